use crate::command::check::excuses;
use crate::settings::{Problem, Reader, Value};
use stallscope::analysis::thresholds::{Labels, PROFILES};
use stallscope::analysis::{Excuse, Threshold};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::DeTable;

/// What a `stallscope.toml` says.
#[derive(Debug, Clone, Default)]
pub(super) struct File {
    /// What holds unless a profile is asked for.
    pub(super) own: Layer,
    pub(super) profiles: BTreeMap<String, Layer>,
    pub(super) allow_incomplete: Option<bool>,
    /// Each with its line alone in place of where it says so.
    pub(super) excuses: Vec<Excuse>,
}

/// Thresholds that belong together.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    /// The profile that they are added to.
    pub(super) extends: Option<String>,
    pub(super) lines: Vec<Line>,
    /// What holds in place of the lines for what the labels name.
    pub(super) overrides: BTreeMap<Labels, Vec<Line>>,
}

/// A threshold and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) threshold: Threshold,
    /// As it stands there.
    pub(super) written: String,
    /// From 1.
    pub(super) line: usize,
    pub(super) column: usize,
}

/// The keys of a layer, and those that `[check]` has besides.
const LAYER: [&str; 4] = ["extends", "fail_on", "route", "crate"];
const CHECK: [&str; 2] = ["profile", "allow_incomplete"];

/// How a list of thresholds is written.
const LIST: &str = "this is to be a list of thresholds: [\"stall.max < 100ms\"]";

impl File {
    /// # Errors
    /// When it is no TOML, or says something that is not known here; the first such thing.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let reader = Reader::new(text);
        let (mut file, table) = (Self::default(), reader.parse()?);
        for (name, value) in &table {
            match &**name.get_ref() {
                "check" => file.read(&reader, reader.table(value, "check")?)?,
                "allow" => file.excuses = excuses::read(&reader, value)?,
                other => {
                    let known = ["check", "allow"].into_iter();
                    return Err(reader.unknown("table", other, name.span(), known));
                }
            }
        }
        Ok(file)
    }

    fn read(&mut self, reader: &Reader<'_>, table: &DeTable<'_>) -> Result<(), Problem> {
        for (name, value) in table {
            match &**name.get_ref() {
                "profile" => self.read_profiles(reader, value)?,
                "allow_incomplete" => self.allow_incomplete = Some(reader.boolean(value)?),
                key if LAYER.contains(&key) => {}
                other => {
                    let known = LAYER.into_iter().chain(CHECK);
                    return Err(reader.unknown("setting", other, name.span(), known));
                }
            }
        }
        self.own = Layer::read(reader, table, "check")?;
        let check = |extends: Option<&Value<'_>>| self.check_extends(reader, extends);
        check(table.get("extends"))?;
        let profiles = table.get("profile").and_then(|value| value.get_ref().as_table());
        for (_, value) in profiles.into_iter().flatten() {
            check(value.get_ref().as_table().and_then(|table| table.get("extends")))?;
        }
        Ok(())
    }

    fn read_profiles(&mut self, reader: &Reader<'_>, value: &Value<'_>) -> Result<(), Problem> {
        if let Some(name) = value.get_ref().as_str() {
            let told = format!(
                "profiles are tables, [check.profile.NAME]; to begin with one, write extends = \"{name}\""
            );
            return Err(reader.wrong(value.span(), told));
        }
        for (name, value) in reader.table(value, "check.profile.NAME")? {
            let known = &**name.get_ref();
            if PROFILES.contains(&known) {
                let told = format!(
                    "the profile {known} is built in: give yours another name, and write extends = \"{known}\" in it"
                );
                return Err(reader.wrong(name.span(), told));
            }
            let table = reader.table(value, &format!("check.profile.{known}"))?;
            if let Some((other, _)) = table.iter().find(|(key, _)| !LAYER.contains(&&**key.get_ref())) {
                return Err(reader.unknown("setting", other.get_ref(), other.span(), LAYER.into_iter()));
            }
            let layer = Layer::read(reader, table, &format!("check.profile.{known}"))?;
            if layer.extends.is_none() && layer.lines.is_empty() {
                return Err(
                    reader.wrong(name.span(), "this profile says nothing: give it fail_on, or extends")
                );
            }
            self.profiles.insert(known.to_owned(), layer);
        }
        Ok(())
    }

    /// Whether there is such a profile, and it does not come back to itself.
    fn check_extends(&self, reader: &Reader<'_>, value: Option<&Value<'_>>) -> Result<(), Problem> {
        let Some((value, begin)) = value.and_then(|value| Some((value, value.get_ref().as_str()?))) else {
            return Ok(());
        };
        let mut way = vec![begin];
        while let Some(&name) = way.last()
            && !PROFILES.contains(&name)
        {
            let Some(layer) = self.profiles.get(name) else {
                // What another profile extends is told where that stands.
                return if name == begin {
                    Err(reader.unknown("profile", name, value.span(), self.names()))
                } else {
                    Ok(())
                };
            };
            let Some(next) = &layer.extends else { break };
            if way.contains(&next.as_str()) {
                let told = format!("no profile can extend itself: {} → {next}", way.join(" → "));
                return Err(reader.wrong(value.span(), told));
            }
            way.push(next);
        }
        Ok(())
    }

    /// All profiles that are known.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        PROFILES.into_iter().chain(self.profiles.keys().map(String::as_str))
    }
}

impl Layer {
    fn read(reader: &Reader<'_>, table: &DeTable<'_>, name: &str) -> Result<Self, Problem> {
        let mut layer = Self::default();
        for (key, value) in table {
            match &**key.get_ref() {
                "extends" => layer.extends = Some(reader.string(value)?.to_owned()),
                "fail_on" => layer.lines = lines(reader, value)?,
                "route" => {
                    for (key, value) in reader.table(value, &format!("{name}.route.\"GET /\""))? {
                        let labels = Labels::of_route(key.get_ref());
                        layer.read_override(reader, labels, key.span(), value)?;
                    }
                }
                "crate" => {
                    for (key, value) in reader.table(value, &format!("{name}.crate.my_app"))? {
                        let labels = Labels::of_crate(key.get_ref());
                        layer.read_override(reader, labels, key.span(), value)?;
                    }
                }
                _ => {}
            }
        }
        Ok(layer)
    }

    fn read_override(
        &mut self,
        reader: &Reader<'_>,
        labels: Labels,
        at: Range<usize>,
        value: &Value<'_>,
    ) -> Result<(), Problem> {
        let mut own = Vec::new();
        for (name, value) in reader.table(value, "check.route.\"GET /\"")? {
            if &**name.get_ref() != "fail_on" {
                return Err(reader.unknown("setting", name.get_ref(), name.span(), ["fail_on"].into_iter()));
            }
            own = lines(reader, value)?;
            for (line, value) in own.iter_mut().zip(reader.list(value, LIST)?) {
                match line.threshold.clone().overriding(labels.clone()) {
                    Some(threshold) => line.threshold = threshold,
                    None => return Err(reader.wrong(value.span(), misplaced(&line.threshold, &labels))),
                }
            }
        }
        if own.is_empty() {
            return Err(reader.wrong(at, "nothing is said of it: fail_on is missing"));
        }
        match self.overrides.insert(labels, own) {
            Some(_) => {
                Err(reader.wrong(at, "this crate is named twice: dashes and underscores are the same"))
            }
            None => Ok(()),
        }
    }
}

/// Why a threshold cannot be about what its table names.
fn misplaced(threshold: &Threshold, labels: &Labels) -> String {
    if threshold.labels().is_empty() {
        let (by, known) = match labels.route {
            Some(_) => ("route", "stall and handler are"),
            None => ("crate", "stall is"),
        };
        return format!("{} is not known apart by {by}: only {known}", threshold.metric().name());
    }
    format!("this table is about {labels} alone: leave the label out")
}

fn lines(reader: &Reader<'_>, value: &Value<'_>) -> Result<Vec<Line>, Problem> {
    let mut lines = Vec::new();
    for value in reader.list(value, LIST)? {
        let written = reader.string(value)?;
        let threshold: Threshold =
            written.parse().map_err(|error: stallscope::analysis::thresholds::ParseError| {
                reader.wrong_within(value, error.range(), error.message())
            })?;
        let (line, column) = reader.place(value.span());
        lines.push(Line { threshold, written: written.to_owned(), line, column });
    }
    if lines.is_empty() {
        return Err(reader.wrong(
            value.span(),
            "an empty list would let everything pass: leave fail_on out, or say what must hold",
        ));
    }
    Ok(lines)
}
