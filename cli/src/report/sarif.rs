//! Findings for code scanning: SARIF 2.1.0.

mod document;

use super::facts;
use super::fingerprint::fingerprints;
use super::format::Material;
use super::repository::{self, Place, Repository};
use crate::failure::clean;
use document::{
    Artifact, Base, CodeFlow, Driver, Figures, Invocation, Location, Log, Logical, Notification, Outcome,
    Physical, Region, Run, Stack, StackFrame, Step, Suppression, Tags, Text, ThreadFlow, Tool,
};
use stallscope::analysis::{Allowance, By, Finding, Frame, Report, Rule, Severity, Verdict};
use stallscope_wire::Certainty;
use std::io::{self, Write};

/// The fingerprint's name, with the version of how it is made.
const FINGERPRINT: &str = "stallscope/v1";

/// Writes it: a finding is a result, what was not seen and what became of each threshold are notifications.
pub(super) fn write(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    let (report, repository) = (of.report, Repository::of(of.runs));
    let fingerprints = fingerprints(&report.findings, &repository);
    let results = report.findings.iter().zip(fingerprints);
    let results = results.map(|(finding, fingerprint)| result(finding, fingerprint, report, &repository));
    let root = Base { description: text("The repository's root.") };
    let run = Run {
        tool: Tool { driver: driver() },
        invocations: [invocation(report)],
        original_uri_base_ids: [(document::ROOT, root)].into(),
        column_kind: "unicodeCodePoints",
        results: results.collect(),
    };
    let log = Log { schema: document::SCHEMA, version: document::VERSION, runs: [run] };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn text(text: impl std::fmt::Display) -> Text {
    Text { text: clean(text) }
}

fn driver() -> Driver {
    let rule = |rule: Rule| document::Rule {
        id: rule.to_string(),
        short_description: text(rule.meaning()),
        full_description: text(format_args!("{} {}", rule.meaning(), rule.remedy())),
        help: text(rule.remedy()),
        properties: Tags { tags: ["performance", "tokio"] },
    };
    Driver {
        name: "Stallscope",
        semantic_version: env!("CARGO_PKG_VERSION"),
        information_uri: env!("CARGO_PKG_REPOSITORY"),
        rules: Rule::ALL.iter().map(|&known| rule(known)).collect(),
    }
}

fn invocation(report: &Report) -> Invocation {
    let notification = |level, message| Notification { level, message };
    let thresholds = report.thresholds.iter().map(|outcome| {
        let (level, verb) = match outcome.ok {
            Some(true) => ("note", "holds"),
            Some(false) => ("error", "does not hold"),
            None => ("warning", "cannot be told to hold"),
        };
        let note = outcome.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        notification(level, text(format_args!("{} {verb}: {}{note}", outcome.expr, outcome.measured)))
    });
    let gaps = report.coverage.missing.iter();
    let gaps =
        gaps.map(|gap| notification("warning", text(format_args!("not seen: {} ({})", gap.what, gap.cure))));
    let lost = facts::lost(report).map(|lost| notification("warning", text(format_args!("lost: {lost}"))));
    let lacks = report.lacks.iter().map(|lack| notification("error", text(lack)));
    let notes = report.notes.iter().map(|note| notification("note", text(note)));
    Invocation {
        execution_successful: report.verdict != Verdict::Incomplete,
        command_line: (!report.command.is_empty()).then(|| clean(report.command.join(" "))),
        tool_execution_notifications: thresholds.chain(lacks).chain(gaps).chain(lost).chain(notes).collect(),
    }
}

fn result(finding: &Finding, fingerprint: String, report: &Report, repository: &Repository) -> Outcome {
    let facts = facts::of_finding(finding).into_iter().chain(finding.doubt().map(str::to_owned));
    let sentences = [finding.to_string()].into_iter().chain(finding.detail.clone()).chain(facts);
    let sentences: Vec<_> = sentences.chain([finding.help.clone()]).filter(|part| !part.is_empty()).collect();
    Outcome {
        rule_id: finding.rule.to_string(),
        rule_index: Rule::ALL.iter().position(|rule| *rule == finding.rule),
        level: level(finding, report.verdict),
        message: text(sentences.join(". ")),
        locations: [location(finding, report, repository)],
        partial_fingerprints: [(FINGERPRINT, fingerprint)].into(),
        occurrence_count: finding.count.clamp(1, i64::MAX as u64),
        code_flows: code_flow(finding, repository).into_iter().collect(),
        stacks: stack(finding, repository).into_iter().collect(),
        related_locations: spawned(finding, repository).into_iter().collect(),
        suppressions: suppression(finding, report).into_iter().collect(),
        properties: figures(finding),
    }
}

/// Who excuses a finding: its code, or something beside it.
fn suppression(finding: &Finding, report: &Report) -> Option<Suppression> {
    let (reason, at) = (finding.allowed_by.as_ref()?, finding.allowed_at.as_deref().unwrap_or_default());
    let of_code = |allowance: &Allowance| allowance.by == By::Code && allowance.at == at;
    let kind = if report.allowances.iter().any(of_code) { "inSource" } else { "external" };
    let justification = clean(if at.is_empty() { reason.clone() } else { format!("{reason} ({at})") });
    Some(Suppression { kind, justification })
}

/// Nothing is an error in a run that passes.
fn level(finding: &Finding, verdict: Verdict) -> &'static str {
    match finding.severity {
        _ if finding.allowed_by.is_some() => "note",
        Severity::Error if verdict != Verdict::Pass => "error",
        Severity::Error | Severity::Warning => "warning",
        _ => "note",
    }
}

fn figures(finding: &Finding) -> Figures {
    Figures {
        cause: finding.cause_in_words(),
        certainty: if finding.certainty == Certainty::Exact { "exact" } else { "probable" },
        max_ns: finding.max_ns,
        total_ns: finding.total_ns,
        attributable_max_ns: finding.attributable_max_ns,
        victims_delay_ns: finding.victims.delay_ns,
        ongoing: finding.ongoing,
        route: finding.route.clone(),
    }
}

/// Hosts of code take no result without a file: where no line is known, it is the program itself.
fn location(finding: &Finding, report: &Report, repository: &Repository) -> Location {
    let place = repository.place(finding).unwrap_or_else(|| {
        let program = report.processes.first().map(|process| process.exe.as_str());
        repository.at(program.filter(|exe| !exe.is_empty()).unwrap_or("program"), None, false)
    });
    let line = place.line.or(Some(1));
    Location {
        id: None,
        physical_location: Some(physical(&Place { line, ..place })),
        logical_locations: logical(finding.culprit.function.as_ref()),
        message: None,
    }
}

fn physical(place: &Place) -> Physical {
    let inside = matches!(place.file, repository::Location::Inside(_));
    Physical {
        artifact_location: Artifact { uri: place.file.uri(), uri_base_id: inside.then_some(document::ROOT) },
        region: place.line.map(|start_line| Region { start_line }),
    }
}

fn logical(function: Option<&String>) -> Vec<Logical> {
    let named = |function| Logical { fully_qualified_name: clean(function), kind: "function" };
    function.map(named).into_iter().collect()
}

/// A path that starts in another project's folder says nothing to a host: it is told in words.
fn of_frame(frame: &Frame, repository: &Repository) -> Location {
    let place = frame.file.as_ref().map(|file| repository.at(file, frame.line, frame.user));
    let told = frame.place().map(|place| format!(" at {place}")).unwrap_or_default();
    Location {
        id: None,
        physical_location: place.filter(|place| place.file.is_found()).as_ref().map(physical),
        logical_locations: logical(frame.function.as_ref()),
        message: Some(text(format_args!("{frame}{told}"))),
    }
}

/// Where the thread was, innermost frame first.
fn stack(finding: &Finding, repository: &Repository) -> Option<Stack> {
    let frame = |frame: &Frame| StackFrame {
        location: of_frame(frame, repository),
        module: frame.krate.as_ref().or(frame.module.as_ref()).map(clean),
    };
    let what = facts::of_stack(finding).unwrap_or("where the thread was in the longest");
    let frames: Vec<_> = finding.stack.iter().map(frame).collect();
    (!frames.is_empty()).then(|| Stack { message: text(what), frames })
}

/// How the user's own code came there, outermost first: what is shown of a path.
fn code_flow(finding: &Finding, repository: &Repository) -> Option<CodeFlow> {
    let innermost = finding.culprit_frame().unwrap_or(0);
    let own = finding.stack[innermost.min(finding.stack.len())..]
        .iter()
        .filter(|frame| frame.user && frame.file.is_some());
    let steps: Vec<_> = own.rev().map(|frame| Step { location: of_frame(frame, repository) }).collect();
    (steps.len() > 1).then_some(CodeFlow { thread_flows: [ThreadFlow { locations: steps }] })
}

fn spawned(finding: &Finding, repository: &Repository) -> Option<Location> {
    let task = finding.task.as_ref().filter(|task| !task.spawned_at.is_empty())?;
    Some(Location {
        id: Some(0),
        physical_location: Some(physical(&repository.named(&task.spawned_at))),
        logical_locations: Vec::new(),
        message: Some(text("the task was spawned here")),
    })
}
