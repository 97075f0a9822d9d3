//! `--baseline FILE`: what was known before passes, and the file only shrinks.

use super::excuses::rule;
use crate::failure::Failure;
use crate::report::Target;
use crate::settings::{Problem, Reader, Value};
use stallscope::analysis::{Baseline, Finding, History, Judgement, Known, Terms, findings, judge};
use stallscope_wire::{counted, duration};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What an entry may say.
const KEYS: [&str; 5] = ["rule", "file", "function", "places", "max"];
/// The form of the file.
const VERSION: i64 = 1;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Flags {
    /// Findings that this file lists pass; new ones fail, and those that block for more than twice as long, and 50 ms longer.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Remove from the baseline what no longer occurs; nothing is ever added. Where there is no such file yet, it is written, with
    /// everything that was found.
    #[arg(long, requires = "baseline")]
    update_baseline: bool,
}

/// The baseline of a run.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    /// None before it is written for the first time.
    known: Option<Baseline>,
    /// Where it is to be written.
    target: Option<Target>,
}

impl Flags {
    /// Reads the file, before anything is run.
    ///
    /// # Errors
    /// When it cannot be read or written, or says what is not known.
    pub(super) fn open(&self) -> Result<Option<Kept>, Failure> {
        let Some(path) = self.baseline.clone() else { return Ok(None) };
        let shown = path.display();
        let known = match fs::read_to_string(&path) {
            Ok(text) => Some(parse(&path, &text).map_err(|problem| Failure::usage(problem.in_file(&path)))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.update_baseline => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::usage(format_args!(
                    "there is no baseline {shown}: --update-baseline writes one"
                )));
            }
            Err(error) => {
                return Err(Failure::usage(format_args!("cannot read the baseline {shown}: {error}")));
            }
        };
        let target = self.update_baseline.then(|| Target::new(&path)).transpose();
        let target = target
            .map_err(|error| Failure::usage(format_args!("cannot write the baseline {shown}: {error}")))?;
        Ok(Some(Kept { path, known, target }))
    }
}

impl Kept {
    /// Whether it is to be written for the first time.
    pub(super) fn is_new(&self) -> bool {
        self.known.is_none()
    }

    /// Has the terms know what is known, and where nothing is yet, what was found now.
    pub(super) fn join(&self, terms: &mut Terms, histories: &[&History]) {
        let new = || Baseline::of(self.path.display().to_string(), &unexcused(terms, histories));
        terms.baseline = Some(self.known.clone().unwrap_or_else(new));
    }

    /// Writes what is left of it, if that is wanted; what has become of it, for people. A run that did not show everything shows of
    /// nothing that it is gone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn update(
        &self,
        terms: &Terms,
        histories: &[&History],
        whole: bool,
    ) -> Result<Option<String>, Failure> {
        let Some(target) = &self.target else { return Ok(None) };
        let shown = self.path.display();
        let Some(known) = terms.baseline.as_ref().filter(|_| whole) else {
            let told = if self.known.is_some() { "is left as it was" } else { "was not written" };
            return Ok(Some(format!(
                "the baseline {shown} {told}: the command failed, or not everything was seen"
            )));
        };
        let mut without = terms.clone();
        without.baseline = None;
        let left = known.shrunk(&unexcused(&without, histories));
        let lines = |baseline: &Baseline| counted(baseline.known.len() as u64, "finding");
        let told = match &self.known {
            None => format!("the baseline {shown} was written, with {}", lines(&left)),
            Some(known) if *known == left => return Ok(None),
            Some(known) => {
                format!("the baseline {shown} has shrunk: {} of {} left", left.known.len(), lines(known))
            }
        };
        let text = text(&left);
        target
            .write(|out| out.write_all(text.as_bytes()))
            .map_err(|error| Failure::internal(format_args!("cannot write the baseline {shown}: {error}")))?;
        Ok(Some(told))
    }
}

/// Whether a judgement rests on everything that there was to see: what the machine alone has hidden was not seen, and a process that
/// did not end in order has not told all, though the verdict may be said without it.
pub(super) fn is_whole(judgement: &Judgement, failure: Option<u8>, histories: &[&History]) -> bool {
    let told = |history: &&History| {
        history.complete() && !history.coverage().missing.iter().any(|gap| gap.hides_stalls)
    };
    let judged = judgement.outcomes.iter().all(|outcome| outcome.ok.is_some());
    failure.is_none() && judgement.lacks.is_empty() && judged && histories.iter().all(told)
}

/// What was found, marked as far as it is excused.
fn unexcused(terms: &Terms, histories: &[&History]) -> Vec<Finding> {
    let mut found = findings(histories);
    judge(terms, histories).mark(&mut found);
    found
}

fn parse(path: &Path, text: &str) -> Result<Baseline, Problem> {
    let reader = Reader::new(text);
    let (mut known, mut version) = (Vec::new(), None);
    for (name, value) in &reader.parse()? {
        match &**name.get_ref() {
            "version" => version = Some(number(&reader, value)?),
            "known" => {
                let told = "findings are written as tables, each below a line [[known]]";
                for entry in reader.list(value, told)? {
                    known.push(read_one(&reader, entry, told)?);
                }
            }
            other => {
                return Err(reader.unknown("table", other, name.span(), ["known", "version"].into_iter()));
            }
        }
    }
    match version {
        Some(VERSION) => {}
        Some(other) => {
            return Err(reader.wrong(
                0..0,
                format!("this baseline has version {other}, and this stallscope knows {VERSION}"),
            ));
        }
        None => return Err(reader.wrong(0..0, "this is no baseline: it has no version")),
    }
    known.sort();
    Ok(Baseline::new(path.display().to_string(), known))
}

fn read_one(reader: &Reader<'_>, entry: &Value<'_>, told: &str) -> Result<Known, Problem> {
    let table = entry.get_ref().as_table().ok_or_else(|| reader.wrong(entry.span(), told))?;
    let mut its_rule = None;
    let (mut file, mut function, mut places, mut longest_ns) = (None, None, 1, None);
    for (name, value) in table {
        match &**name.get_ref() {
            "rule" => its_rule = Some(rule(reader, value)?),
            "file" => file = Some(reader.string(value)?.to_owned()),
            "function" => function = Some(reader.string(value)?.to_owned()),
            "places" => {
                let number = number(reader, value)?;
                let told = || reader.wrong(value.span(), "this is to be a number of places: 1 or more");
                places = u64::try_from(number).ok().filter(|&places| places > 0).ok_or_else(told)?;
            }
            "max" => {
                let max = duration::parse(reader.string(value)?);
                let max = max.map_err(|error| reader.wrong(value.span(), error.to_string()))?;
                longest_ns = Some(max.as_nanos() as u64);
            }
            other => return Err(reader.unknown("setting", other, name.span(), KEYS.into_iter())),
        }
    }
    let its_rule = its_rule.ok_or_else(|| reader.wrong(entry.span(), "this finding lacks its rule"))?;
    Ok(Known::new(its_rule, file, function, places).at_most(longest_ns))
}

fn number(reader: &Reader<'_>, value: &Value<'_>) -> Result<i64, Problem> {
    let number = value
        .get_ref()
        .as_integer()
        .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
    number.ok_or_else(|| reader.wrong(value.span(), "this is to be a number"))
}

/// The file.
fn text(baseline: &Baseline) -> String {
    let mut text = format!(
        "# What stallscope check lets pass because it was there before: by rule, file and function, whatever the line.\n\
         # What blocks for more than twice its max, and 50 ms longer, does not pass.\n\
         # It only shrinks: --update-baseline removes what no longer occurs. To begin anew, delete the file.\n\
         version = {VERSION}\n"
    );
    for known in &baseline.known {
        let mut say = |key: &str, value: &toml::Value| {
            // A String takes everything.
            let _ = writeln!(text, "{key} = {value}");
        };
        say("\n[[known]]\nrule", &toml::Value::String(known.rule.to_string()));
        for (key, value) in [("file", &known.file), ("function", &known.function)] {
            value.iter().for_each(|value| say(key, &toml::Value::String(value.clone())));
        }
        if let Some(longest_ns) = known.longest_ns {
            say("max", &toml::Value::String(format!("{}ms", longest_ns.div_ceil(1_000_000))));
        }
        if known.places > 1 {
            say("places", &toml::Value::Integer(i64::try_from(known.places).unwrap_or(i64::MAX)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope::analysis::Rule;

    fn parsed(text: &str) -> Result<Baseline, Problem> {
        parse(Path::new("known.toml"), text)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let known = vec![
            Known::new(
                Rule::BlockingPoll,
                Some("src/a.rs".into()),
                Some("<app::A as \"B\">::go\\".into()),
                1,
            )
            .at_most(Some(313_000_000)),
            Known::new(Rule::LoopLag, None, None, 1),
            Known::new(Rule::NeverAwaited, Some("src/a.rs".into()), None, 3),
        ];
        let baseline = Baseline::new("known.toml", known);
        let text = text(&baseline);
        assert_eq!(parsed(&text).expect("it is right"), baseline, "{text}");
        assert!(
            text.contains("[[known]]\nrule = \"never-awaited\"\nfile = \"src/a.rs\"\nplaces = 3\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let problem = |text: &str| {
            let problem = parsed(text).expect_err("it is wrong");
            (problem.line, problem.column, problem.to_string().lines().next().unwrap_or_default().to_owned())
        };
        let told = |line: usize, column: usize, message: &str| (line, column, message.to_owned());
        assert_eq!(problem(""), told(1, 1, "this is no baseline: it has no version"));
        assert_eq!(
            problem("version = 9\n"),
            told(1, 1, "this baseline has version 9, and this stallscope knows 1")
        );
        assert_eq!(problem("version = 1\n[[known]]\n"), told(2, 1, "this finding lacks its rule"));
        assert_eq!(
            problem("version = 1\n[[known]]\nrule = \"loop-lagg\"\n"),
            told(3, 8, "unknown rule \"loop-lagg\"; did you mean \"loop-lag\"?")
        );
        let places = "this is to be a number of places: 1 or more";
        assert_eq!(problem("version = 1\n[[known]]\nrule = \"loop-lag\"\nplaces = 0\n"), told(4, 10, places));
        assert!(problem("version = 1\n[[kno").2.starts_with("this is no TOML: "));
    }
}
