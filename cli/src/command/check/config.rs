//! What must hold: the file's word, and above it the flags'.

mod file;
mod print;
mod usual;

use crate::failure::Failure;
use file::{File, Layer, Line};
use stallscope::analysis::thresholds::{self, Labels, nearest};
use stallscope::analysis::{Excuse, Terms, Threshold};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that is read when nobody names one.
const USUAL: &str = "stallscope.toml";
/// What holds when nobody says.
const DEFAULT: &str = "default";

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Thresholds")]
pub(super) struct Flags {
    /// What must hold, such as "stall.max < 100ms"; may be given more than once, and takes the place of all thresholds that the
    /// file has. Without any, and without a file: that, and that the counts of never-awaited, never-polled, detached-panic,
    /// task-leak and socket-leak are 0, of which those hold that the process can show.
    #[arg(long, value_name = "EXPR")]
    fail_on: Vec<String>,
    /// The file with thresholds; without this stallscope.toml of the working folder, or the nearest above it up to the root of
    /// the repository.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Add a profile: default, strict (stall.max < 10ms) or one of the file's. Each of its thresholds takes the place of that of
    /// [check] of the same metric and statistic; the others of [check] stay.
    #[arg(long, value_name = "NAME", conflicts_with = "fail_on")]
    profile: Option<String>,
    /// Print what holds and where it comes from, as a file that says the same.
    #[arg(long, group = "target")]
    pub(super) print_config: bool,
    /// Accept a process whose end was not seen, because it was killed or its log is cut, and times in which stalls may have gone unseen; never that nothing was judged.
    #[arg(long)]
    allow_incomplete: bool,
}

/// What holds, and who says so.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    /// The file that was read.
    path: Option<PathBuf>,
    /// The profile that was asked for.
    profile: Option<String>,
    /// What the flags say of thresholds is all.
    by_flags: bool,
    /// The built-in profile that it begins with, and its lines that no other has replaced.
    base: Option<(String, Vec<Threshold>)>,
    lines: Vec<Said>,
    overrides: BTreeMap<Labels, Vec<Said>>,
    allow_incomplete: bool,
    excuses: Vec<Excuse>,
}

/// A threshold, and who says so.
#[derive(Debug, Clone)]
struct Said {
    threshold: Threshold,
    /// Without what its table adds.
    written: String,
    by: String,
}

impl Config {
    /// # Errors
    /// When a flag or the file says what is not known.
    pub(super) fn load(flags: &Flags) -> Result<Self, Failure> {
        let (path, text) = read(flags.config.as_deref())?;
        let mut config = Self::parse(&text, path, flags.profile.as_deref()).map_err(Failure::usage)?;
        config.allow_incomplete |= flags.allow_incomplete;
        if !flags.fail_on.is_empty() {
            let lines = flags.fail_on.iter().map(|expr| said_by_flag(expr)).collect::<Result<_, _>>()?;
            config = Self { by_flags: true, base: None, lines, overrides: BTreeMap::new(), ..config };
        }
        Ok(config)
    }

    /// What a file's text says, with one of its profiles or without.
    ///
    /// # Errors
    /// What is wrong in it, and where.
    pub(super) fn parse(text: &str, path: Option<PathBuf>, profile: Option<&str>) -> Result<Self, String> {
        let file = File::parse(text)
            .map_err(|problem| problem.in_file(path.as_deref().unwrap_or(Path::new(USUAL))))?;
        if let Some(name) = profile.filter(|name| !file.names().any(|known| known == *name)) {
            return Err(unknown_profile(name, &file));
        }
        Ok(Self::of(&file, path, profile))
    }

    fn of(file: &File, path: Option<PathBuf>, profile: Option<&str>) -> Self {
        let shown = path.as_deref().unwrap_or(Path::new(USUAL)).display().to_string();
        let allow_incomplete = file.allow_incomplete.unwrap_or(false);
        let profile_asked = profile.map(str::to_owned);
        let stated = |excuse: Excuse| Excuse { at: format!("{shown}:{}", excuse.at), ..excuse };
        let excuses = file.excuses.iter().cloned().map(stated).collect();
        let mut config = Self { path, profile: profile_asked, allow_incomplete, excuses, ..Self::default() };
        let bare = file.own.lines.is_empty() && file.own.extends.is_none();
        if let Some(name) = file.own.extends.as_deref().or_else(|| bare.then_some(DEFAULT)) {
            config.add_profile(name, file, &shown);
        }
        config.add(&file.own, &shown, None);
        if let Some(name) = profile {
            config.add_profile(name, file, &shown);
        }
        config
    }

    /// What a run is judged by.
    pub(super) fn terms(&self) -> Terms {
        let assumed = self.base.iter().flat_map(|(_, thresholds)| thresholds).cloned();
        let said = self.lines.iter().chain(self.overrides.values().flatten());
        let thresholds = assumed.chain(said.map(|said| said.threshold.clone())).collect();
        let mut terms = Terms::new(thresholds).allow_incomplete(self.allow_incomplete);
        terms.excuses.clone_from(&self.excuses);
        terms
    }

    /// Where the thresholds come from, where it is not what holds without a word.
    pub(super) fn note(&self) -> Option<String> {
        let file = self.path.as_ref().map(|path| path.display().to_string());
        match (file, &self.profile) {
            (Some(file), _) if self.by_flags => {
                Some(format!("--fail-on takes the place of the thresholds of {file}"))
            }
            (Some(file), Some(profile)) => Some(format!("judged by {file}, profile {profile}")),
            (Some(file), None) => Some(format!("judged by {file}")),
            (None, Some(profile)) => Some(format!("judged by the profile {profile}")),
            (None, None) => None,
        }
    }

    /// Adds a profile and what it extends; the reader has seen to it that both are there and that this ends.
    fn add_profile(&mut self, name: &str, file: &File, shown: &str) {
        if let Some(mut thresholds) = thresholds::profile(name) {
            let is_said = |expr: &str| self.lines.iter().any(|known| known.threshold.expr() == expr);
            // What is asked for is more than what is assumed: it must be seen to hold.
            thresholds.retain(|assumed| !is_said(assumed.expr()));
            self.lines.retain(|known| {
                !thresholds.iter().any(|assumed| assumed.is_about_the_same_as(&known.threshold))
            });
            self.base = Some((name.to_owned(), thresholds));
        } else if let Some(layer) = file.profiles.get(name) {
            if let Some(extended) = &layer.extends {
                self.add_profile(extended, file, shown);
            }
            self.add(layer, shown, Some(name));
        }
    }

    /// Adds a layer above what is there: each line replaces those that are about the same.
    fn add(&mut self, layer: &Layer, shown: &str, profile: Option<&str>) {
        let is_replaced =
            |known: &Threshold| layer.lines.iter().any(|line| line.threshold.is_about_the_same_as(known));
        if let Some((_, thresholds)) = &mut self.base {
            thresholds.retain(|known| !is_replaced(known));
        }
        self.lines.retain(|known| !is_replaced(&known.threshold));
        self.lines.extend(layer.lines.iter().map(|line| said(line, shown, profile)));
        self.add_overrides(layer, shown, profile);
    }

    fn add_overrides(&mut self, layer: &Layer, shown: &str, profile: Option<&str>) {
        for (labels, lines) in &layer.overrides {
            let known = self.overrides.entry(labels.clone()).or_default();
            known.retain(|known| {
                !lines.iter().any(|line| line.threshold.is_about_the_same_as(&known.threshold))
            });
            known.extend(lines.iter().map(|line| said(line, shown, profile)));
        }
    }
}

fn said(line: &Line, shown: &str, profile: Option<&str>) -> Said {
    let profile = profile.map(|name| format!(", profile {name}")).unwrap_or_default();
    let by = format!("{shown}:{}:{}{profile}", line.line, line.column);
    Said { threshold: line.threshold.clone(), written: line.written.clone(), by }
}

fn said_by_flag(expr: &str) -> Result<Said, Failure> {
    let threshold: Threshold =
        expr.parse().map_err(|error| Failure::usage(format_args!("--fail-on: {error}")))?;
    Ok(Said { threshold, written: expr.to_owned(), by: "--fail-on".to_owned() })
}

fn unknown_profile(name: &str, file: &File) -> String {
    let hint = match nearest(name, file.names()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("known are {}", file.names().collect::<Vec<_>>().join(", ")),
    };
    format!("--profile: unknown profile \"{name}\"; {hint}")
}

/// The file's path and text; neither where there is none and none is asked for.
fn read(asked: Option<&Path>) -> Result<(Option<PathBuf>, String), Failure> {
    let Some(path) = asked.map(Path::to_owned).or_else(usual::find) else {
        return Ok((None, String::new()));
    };
    match fs::read_to_string(&path) {
        Ok(text) => Ok((Some(path), text)),
        Err(error) => {
            Err(Failure::usage(format_args!("cannot read the thresholds in {}: {error}", path.display())))
        }
    }
}
