//! A report's facts in words, the same in every form.

use stallscope::analysis::{Finding, Report, Rule, Severity};
use stallscope_wire::duration::show;
use stallscope_wire::{Quality, counted};

/// What is known of a finding besides its sentence. Names in it are as the log has them.
pub(super) fn of_finding(finding: &Finding) -> Vec<String> {
    let mut facts = Vec::new();
    if finding.count > 1 && finding.total_ns > finding.max_ns && counts_times(finding.rule) {
        facts.push(format!("{} in all", show(finding.total_ns)));
    }
    if let Some(who) = finding.victims.in_words() {
        facts.push(format!("{who} waited behind it, {} together", show(finding.victims.delay_ns)));
    }
    if let Some(routes) = finding.victims.routes_in_words() {
        facts.push(format!("behind it: {routes}"));
    }
    // Some of any long time is the host's; that it is a tenth is worth a word.
    if finding.severity != Severity::Info && finding.attributable_max_ns < finding.max_ns / 10 * 9 {
        facts.push(format!("the code answers for {} of the longest", show(finding.attributable_max_ns)));
    }
    if let Some(task) = &finding.task {
        facts.push(format!("in task {task}"));
    }
    facts.extend(finding.request_in_words().map(|request| format!("answering {request}")));
    if let Some(reason) = &finding.allowed_by {
        let at = finding.allowed_at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        facts.push(format!("allowed{at}: {reason}"));
    }
    facts
}

/// Whether its count says how often something took time.
fn counts_times(rule: Rule) -> bool {
    !matches!(rule, Rule::TaskLeak | Rule::SocketLeak | Rule::AcceptBacklog)
}

/// How a finding's severity and rule are shown: `error blocking-poll`.
pub(super) fn tag(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        _ => "info",
    };
    format!("{severity} {}", finding.rule)
}

/// What is to be known of a stack, if it is not exact.
pub(super) fn of_stack(finding: &Finding) -> Option<&'static str> {
    match finding.stack_quality? {
        Quality::Uncertain => Some("a frame of this stack had to be guessed"),
        Quality::Truncated => Some("the outer part of this stack was not captured"),
        _ => None,
    }
}

/// The finding before this one that has the same stack, and so the same help.
pub(super) fn with_same_stack(findings: &[Finding], at: usize) -> Option<&Finding> {
    let stack = &findings[at].stack;
    findings[..at].iter().find(|earlier| !stack.is_empty() && earlier.stack == *stack)
}

/// What the report rests on; none without a process.
pub(super) fn seen(report: &Report) -> Option<String> {
    let longest = report.processes.iter().map(|process| process.duration_ns).max()?;
    let count = match report.processes.len() {
        1 => "1 process".to_owned(),
        count => format!("{count} processes"),
    };
    let sight = if report.is_whole() { "everything was seen" } else { "not everything was seen" };
    let (tier, mode) = (report.tier, report.mode);
    Some(format!("{count}, {}, tier {tier}, mode {mode}; {sight}", show(longest)))
}

/// What is to be known of the run, what lacks first.
pub(super) fn notes(report: &Report) -> impl Iterator<Item = &str> {
    report.lacks.iter().chain(&report.notes).map(String::as_str)
}

/// What was dropped; none when nothing was.
pub(super) fn lost(report: &Report) -> Option<String> {
    let lost = report.lost;
    let kinds: Vec<_> = [
        (lost.events, "report", ""),
        (lost.stacks, "stack", ""),
        (lost.locations, "task event", " without the spawn location"),
        (lost.first_polls, "wait", " for a first poll"),
        (lost.lines, "line", ""),
        (lost.recordings, "flight recording", " not made"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, noun, more)| counted(count, noun) + more)
    .collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}
