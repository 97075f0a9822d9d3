//! What GitHub shows of a step: annotations at the lines to open, and a summary.

use super::format::Material;
use super::repository::{Place, Repository};
use super::{facts, markdown};
use crate::failure::clean;
use stallscope::analysis::{Finding, Outcome, Report, Severity, Verdict};
use std::io::{self, Write};

/// The most annotations of a step that GitHub shows of a kind.
const SHOWN: usize = 10;
/// Of a message, in characters. GitHub takes more, and nobody reads it.
const TEXT: usize = 2000;

/// A line of a step's output that GitHub takes for an annotation.
#[derive(Debug, PartialEq, Eq)]
struct Annotation {
    level: &'static str,
    place: Option<Place>,
    title: String,
    message: String,
}

/// Writes the annotations that GitHub shows, the gravest first.
pub(super) fn write(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    annotations(of).iter().take(SHOWN).try_for_each(|annotation| annotation.write(out))
}

/// Writes the summary of a step, which also says what is not annotated.
pub(crate) fn summary(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    markdown::write(out, of.report)?;
    let more = annotations(of).len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        writeln!(out, "\n{SHOWN} annotations are shown, {more} more are not.")?;
    }
    out.flush()
}

fn annotations(of: Material<'_>) -> Vec<Annotation> {
    let (report, repository) = (of.report, Repository::of(of.runs));
    let mut annotations: Vec<_> = lacking(report).into_iter().collect();
    annotations.extend(report.thresholds.iter().filter_map(|outcome| unexplained(outcome, report)));
    for finding in report.findings.iter().filter(|finding| is_shown(finding)) {
        let place = repository.place(finding).filter(|place| place.file.inside().is_some());
        // One line is annotated once, whatever is found there.
        let known = annotations.iter_mut().find(|known| place.is_some() && known.place == place);
        match known {
            Some(known) => known.message += &format!("\n\n{}", message(finding)),
            None => annotations.push(Annotation {
                level: level(finding, report.verdict),
                place,
                title: format!("Stallscope: {}", finding.rule),
                message: message(finding),
            }),
        }
    }
    annotations.extend(stale(report, &repository));
    annotations
}

/// Excuses that are no longer needed, or no longer hold, at their lines.
fn stale(report: &Report, repository: &Repository) -> impl Iterator<Item = Annotation> {
    report.allowances.iter().filter(|allowance| allowance.is_stale()).filter_map(|allowance| {
        let message = clean(allowance.complaint()?);
        let (file, line) = allowance.at.rsplit_once(':').unwrap_or((&allowance.at, ""));
        let place = repository.at(file, line.parse().ok(), true);
        let place = Some(place).filter(|place| place.file.inside().is_some());
        Some(Annotation { level: "warning", place, title: "Stallscope: stale excuse".to_owned(), message })
    })
}

fn is_shown(finding: &Finding) -> bool {
    finding.allowed_by.is_none() && finding.severity != Severity::Info
}

/// Nothing is an error in a step that passes.
fn level(finding: &Finding, verdict: Verdict) -> &'static str {
    match (finding.severity, verdict) {
        (Severity::Error, Verdict::Breach) => "error",
        _ => "warning",
    }
}

fn message(finding: &Finding) -> String {
    let facts = finding.detail.iter().cloned().chain(facts::of_finding(finding));
    let facts = facts.chain(finding.doubt().map(str::to_owned)).map(clean);
    let lines = [clean(finding)].into_iter().chain(facts).chain([clean(&finding.help)]);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A threshold that does not hold, and that no finding tells of.
fn unexplained(outcome: &Outcome, report: &Report) -> Option<Annotation> {
    let shown = || report.findings.iter().filter(|finding| is_shown(finding));
    let told = |worst: &String| shown().any(|finding| finding.culprit.to_string() == *worst);
    let fails = outcome.ok == Some(false) && !outcome.worst.as_ref().is_some_and(told);
    fails.then(|| {
        let worst = outcome.worst.as_ref().map(|worst| format!(", the worst: {worst}")).unwrap_or_default();
        Annotation {
            level: "error",
            place: None,
            title: "Stallscope: breach".to_owned(),
            message: clean(format_args!("{} does not hold: {}{worst}", outcome.expr, outcome.measured)),
        }
    })
}

/// Why a step fails in which nothing was breached.
fn lacking(report: &Report) -> Option<Annotation> {
    let level = match report.verdict {
        Verdict::Incomplete => "error",
        Verdict::Inconclusive => "warning",
        _ => return None,
    };
    let untold = report.thresholds.iter().filter(|outcome| outcome.ok.is_none());
    let untold = untold.filter_map(|outcome| Some(format!("{}: {}", outcome.expr, outcome.note.as_ref()?)));
    let why: Vec<_> = report.lacks.iter().cloned().chain(untold).map(clean).collect();
    let title = format!("Stallscope: {}", report.verdict);
    let message = if why.is_empty() { "too little was seen".to_owned() } else { why.join("\n") };
    Some(Annotation { level, place: None, title, message })
}

impl Annotation {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "::{} ", self.level)?;
        if let Some(place) = &self.place {
            write!(out, "file={},", property(place.file.inside().unwrap_or_default()))?;
            place.line.map_or(Ok(()), |line| write!(out, "line={line},"))?;
        }
        let message = match self.message.chars().count() {
            ..=TEXT => self.message.clone(),
            _ => self.message.chars().take(TEXT - 1).chain(['…']).collect(),
        };
        writeln!(out, "title={}::{}", property(&self.title), data(&message))
    }
}

/// Text after the last colons of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text as a property of one.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
