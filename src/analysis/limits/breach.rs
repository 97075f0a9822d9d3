//! What went beyond a limit, in words: what and where in the first line, then what is known of it.

use super::super::{Cause, Finding, Rule};
use super::{AliveTasks, stack};
use stallscope_wire::counted;
use stallscope_wire::duration::show;
use std::fmt::{self, Write};

/// Sockets and spawn locations that are listed.
const LISTED: usize = 16;

/// Something that went beyond a limit.
#[derive(Debug, Clone)]
pub(crate) struct Breach {
    pub(super) first: String,
    more: String,
    /// Futures that were never awaited.
    futures: Option<u64>,
}

/// The first line says what and where, the others what is known of it.
impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first)?;
        f.write_str(&self.more)
    }
}

impl Breach {
    pub(super) fn stall(finding: &Finding, limit_ns: u64) -> Self {
        let max = show(finding.max_ns);
        let blocked = match finding.count {
            1 => format!("blocked for {max}"),
            count => format!("blocked {count} times, for up to {max}"),
        };
        let ongoing = if finding.ongoing { ", and had not ended" } else { "" };
        let (culprit, cause) = (&finding.culprit, finding.cause_in_words());
        let first = format!("{blocked} at {culprit} ({cause}){ongoing}, limit {}", show(limit_ns));
        Self { more: facts(finding), first, futures: None }
    }

    pub(super) fn lag(finding: &Finding, limit_ns: u64) -> Self {
        let max = show(finding.max_ns);
        let waited = match finding.count {
            1 => format!("new work waited {max}"),
            count => format!("new work waited {count} times, up to {max}"),
        };
        let why = match finding.cause {
            Cause::Saturation => ", and no single poll explains it (saturation)".to_owned(),
            _ => format!(" behind {} ({})", finding.culprit, finding.cause_in_words()),
        };
        Self {
            first: format!("{waited}{why}, limit {}", show(limit_ns)),
            more: facts(finding),
            futures: None,
        }
    }

    pub(super) fn future(finding: &Finding, limit: u64) -> Self {
        let function = finding.culprit.function.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let (culprit, futures) = (&finding.culprit, counted(finding.count, "future"));
        let were = if finding.count == 1 { "was" } else { "were" };
        let first = format!("{futures} made at {culprit}{function} {were} never awaited, limit {limit}");
        Self { first, more: facts(finding), futures: Some(finding.count) }
    }

    pub(super) fn tasks(alive: &[AliveTasks], count: u64, limit: u64) -> Self {
        let live = if count == 1 { "lives on" } else { "live on" };
        let first = format!("{} {live} after the end, limit {limit}:", counted(count, "task"));
        let line = |tasks: &AliveTasks| match &*tasks.spawned_at {
            "" => format!("{} whose line is seen in a build with --cfg tokio_unstable", tasks.count),
            place => format!("{} spawned at {place}", tasks.count),
        };
        let help = "await what they do or abort them before the end (a JoinSet does so when it is dropped)";
        Self { first, more: list(alive.iter().map(line)) + &help_line(help), futures: None }
    }

    pub(super) fn sockets(open: &[String], limit: u64) -> Self {
        let stay = if open.len() == 1 { "stays" } else { "stay" };
        let first =
            format!("{} {stay} open after the end, limit {limit}:", counted(open.len() as u64, "socket"));
        let help =
            "drop what holds them before the end: a task that lives on, a static, a pool of connections";
        Self { first, more: list(open.iter().cloned()) + &help_line(help), futures: None }
    }

    /// How many futures were never awaited, where it is that.
    pub(super) fn futures(&self) -> Option<u64> {
        self.futures
    }
}

fn list(lines: impl ExactSizeIterator<Item = String>) -> String {
    let more = lines.len().saturating_sub(LISTED);
    let mut text = String::new();
    for line in lines.take(LISTED) {
        let _ = write!(text, "\n  {line}");
    }
    if more > 0 {
        let _ = write!(text, "\n  … and {more} more");
    }
    text
}

fn help_line(help: &str) -> String {
    format!("\n  help: {help}")
}

/// What is known of a finding besides its first line.
fn facts(finding: &Finding) -> String {
    let mut text = String::new();
    if finding.rule != Rule::NeverAwaited && finding.attributable_max_ns < finding.max_ns / 10 * 9 {
        let _ = write!(text, "\n  the code answers for {} of the longest", show(finding.attributable_max_ns));
    }
    if let Some(task) = &finding.task {
        let _ = write!(text, "\n  in task {task}");
    }
    if let Some(detail) = &finding.detail {
        let _ = write!(text, "\n  {detail}");
    }
    if let Some(who) = finding.victims.in_words() {
        let _ = write!(text, "\n  {who} waited behind it, {} together", show(finding.victims.delay_ns));
    }
    text + &stack::lines(finding) + &help_line(&finding.help)
}
