//! Thresholds as test cases: what CI systems list beside the tests.

use super::format::{Material, Style};
use super::repository::Repository;
use super::{facts, text};
use crate::failure::clean;
use quick_junit::{
    NonSuccessKind, Property, Report as Document, TestCase, TestCaseStatus, TestRerun, TestSuite,
};
use stallscope::analysis::thresholds::Metric;
use stallscope::analysis::{Attempt, Finding, Outcome, Report, Rule, Threshold, Verdict};
use std::io::{self, Write};
use std::time::Duration;

/// The most findings that one test case tells of.
const FINDINGS: usize = 10;
/// The name of the case that fails when too little was seen, whatever was measured.
const SIGHT: &str = "enough was seen";
const CLASS: &str = "stallscope";

/// Writes one suite, that of the command or of the processes, with a case for each threshold and one for what was seen.
pub(super) fn write(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    let (report, repository) = (of.report, Repository::of(of.runs));
    let mut suite = TestSuite::new(clean(name(report)));
    let longest = report.processes.iter().map(|process| process.duration_ns).max();
    suite.set_time(Duration::from_nanos(longest.unwrap_or(0)));
    suite.add_properties([
        Property::new("verdict", report.verdict.to_string()),
        Property::new("tier", report.tier.to_string()),
        Property::new("mode", report.mode.to_string()),
    ]);
    suite.add_test_case(sight(report));
    for outcome in &report.thresholds {
        suite.add_test_case(case(outcome, report, &repository)?);
    }
    let said: Vec<_> = facts::seen(report).into_iter().chain(facts::lost(report)).map(clean).collect();
    let said = said.into_iter().chain(facts::notes(report).map(clean)).chain(allowed(report));
    let said = said.collect::<Vec<_>>().join("\n");
    if !said.is_empty() {
        suite.set_system_out(said);
    }
    let mut document = Document::new(CLASS);
    document.add_test_suite(suite);
    document.serialize(&mut *out).map_err(io::Error::other)
}

/// What was run, else whose logs were read.
fn name(report: &Report) -> String {
    if !report.command.is_empty() {
        return report.command.join(" ");
    }
    match &report.processes[..] {
        [] => "no process".to_owned(),
        all => all.iter().map(|process| process.exe.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// What is excused, by whom, and how much there was of it.
fn allowed(report: &Report) -> impl Iterator<Item = String> {
    report.allowances.iter().map(|allowance| {
        let (about, how_much, at) = (allowance.about(), allowance.how_much(), &allowance.at);
        clean(format_args!(
            "allowed by {at}: {about}, {how_much} ({}): {}",
            allowance.state, allowance.reason
        ))
    })
}

fn sight(report: &Report) -> TestCase {
    let mut status = TestCaseStatus::success();
    if report.verdict == Verdict::Incomplete && !report.lacks.is_empty() {
        let why: Vec<_> = report.lacks.iter().map(clean).collect();
        status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("incomplete").set_message(why[0].clone()).set_description(why.join("\n"));
    }
    let mut case = TestCase::new(SIGHT, status);
    case.set_classname(CLASS);
    case
}

fn case(outcome: &Outcome, report: &Report, repository: &Repository) -> io::Result<TestCase> {
    let findings = about(outcome, report);
    let mut case = TestCase::new(clean(&outcome.expr), status(outcome, &findings)?);
    case.set_classname(CLASS);
    let is_worst = |finding: &&Finding| outcome.worst.as_ref() == Some(&finding.culprit.to_string());
    let worst = findings.iter().find(is_worst).or(findings.first());
    let place = worst.and_then(|finding| repository.place(finding));
    if let Some(place) = place.filter(|_| outcome.ok == Some(false))
        && let Some(file) = place.file.inside()
    {
        case.extra.insert("file".into(), clean(file).into());
        if let Some(line) = place.line {
            case.extra.insert("line".into(), line.to_string().into());
        }
    }
    Ok(case)
}

/// A case whose threshold cannot be told to hold is an error, as the gate fails by it, but is skipped where only the host
/// is to blame. One that held in a retry alone is a flaky success.
fn status(outcome: &Outcome, findings: &[Finding]) -> io::Result<TestCaseStatus> {
    let worst = outcome.worst.as_ref().map(|worst| format!(" at {worst}")).unwrap_or_default();
    let note = outcome.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let (mut status, kind) = match outcome.ok {
        Some(true) => {
            let mut status = TestCaseStatus::success();
            let failed = outcome.attempts.iter().filter(|attempt| attempt.ok != Some(true));
            status.add_reruns(failed.map(|attempt| rerun(outcome, attempt)));
            return Ok(status);
        }
        Some(false) => (TestCaseStatus::non_success(NonSuccessKind::Failure), "breach"),
        None if outcome.host.is_some() => (TestCaseStatus::skipped(), "inconclusive"),
        None => (TestCaseStatus::non_success(NonSuccessKind::Error), "incomplete"),
    };
    status.set_type(kind);
    status.set_message(clean(format_args!("{}: {}{worst}{note}", outcome.expr, outcome.measured)));
    let mut details = Vec::new();
    text::write_findings(&mut details, findings, &Style::default())?;
    if !details.is_empty() {
        status.set_description(String::from_utf8_lossy(&details));
    }
    if outcome.ok == Some(false) {
        status.add_reruns(outcome.attempts.iter().skip(1).map(|attempt| rerun(outcome, attempt)));
    }
    Ok(status)
}

/// A run in which a threshold did not hold.
fn rerun(outcome: &Outcome, attempt: &Attempt) -> TestRerun {
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_type("breach").set_message(clean(format_args!("{}: {}", outcome.expr, attempt.measured)));
    rerun
}

/// The findings that a threshold is about, the worst first.
fn about(outcome: &Outcome, report: &Report) -> Vec<Finding> {
    let Ok(threshold) = outcome.expr.parse::<Threshold>() else { return Vec::new() };
    let concerns = |finding: &&Finding| match threshold.metric() {
        Metric::Stall | Metric::Poll => finding.rule == Rule::BlockingPoll,
        Metric::Lag => finding.rule == Rule::LoopLag,
        metric => finding.rule.to_string() == metric.name(),
    };
    let unexcused = report.findings.iter().filter(|finding| finding.allowed_by.is_none());
    unexcused.filter(concerns).take(FINDINGS).cloned().collect()
}
