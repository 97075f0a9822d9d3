mod cause;
mod frame;
mod words;

pub use cause::Cause;
pub use frame::{Frame, frames_of};

use super::group::Group;
use super::place::short_place;
use super::{Culprit, Rule};
use serde::{Deserialize, Serialize};
use stallscope_wire::{Certainty, Quality, Victims};
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// A rule that fired, for one culprit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it is known, or only probable because its process was watched by sampling. A probable one is a warning, and
    /// breaches no threshold.
    pub certainty: Certainty,
    /// Why.
    pub cause: Cause,
    /// Name of the system call, where one is the cause.
    pub syscall: Option<String>,
    /// What kind of lock, for the cause `lock`.
    pub lock: Option<String>,
    /// The place to look at.
    pub culprit: Culprit,
    /// How often.
    pub count: u64,
    /// The longest, in nanoseconds.
    pub max_ns: u64,
    /// All of them added up, in nanoseconds.
    pub total_ns: u64,
    /// The longest without the time the host did not run it, in nanoseconds.
    pub attributable_max_ns: u64,
    /// All stalls added up in the same way, in nanoseconds; 0 of what is no stall.
    #[serde(skip_serializing_if = "is_zero")]
    pub attributable_total_ns: u64,
    /// At least one had not ended when the log did.
    pub ongoing: bool,
    /// What else is known of it, for people: a panic's message, what ran instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What it cost others.
    pub victims: Victims,
    /// The task that was in the longest, where it was one.
    pub task: Option<Task>,
    /// The route that was being answered, where it is known.
    pub route: Option<String>,
    /// The request that was being answered, where it is known.
    pub request_id: Option<String>,
    /// Where the thread was in the longest, innermost frame first.
    pub stack: Vec<Frame>,
    /// How far the stack can be believed; absent when there is none.
    pub stack_quality: Option<Quality>,
    /// In which way connections leak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak: Option<SocketLeak>,
    /// When it was first seen, RFC 3339; empty of futures, which are only counted.
    pub first_seen: String,
    /// What to do.
    pub help: String,
    /// The reason of the allowance that covers it.
    pub allowed_by: Option<String>,
    /// Where that is said: a line of the code or of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_at: Option<String>,
}

/// How connections leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SocketLeak {
    /// Their other side has closed them, and the process has not.
    CloseWait,
    /// Their number only grows.
    Growth,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Nothing is wrong with the code.
    #[default]
    Info,
    /// It may want attention.
    Warning,
    /// It wants to be mended.
    Error,
}

/// The task that a finding was seen in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// tokio's id.
    pub id: u64,
    /// Its name, where it was given one.
    pub name: Option<String>,
    /// Where it was spawned, `file:line:column`.
    pub spawned_at: String,
}

/// Its id, its name in brackets where it has one, and where it was spawned.
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        write!(f, "{}{name}, spawned at {}", self.id, short_place(&self.spawned_at))
    }
}

impl Finding {
    /// What stalls of one culprit have in common, the longest one's stack and task with it.
    pub(super) fn of_group(rule: Rule, severity: Severity, group: &Group) -> Self {
        let sums = group.sums;
        let mut finding = Self {
            rule,
            severity,
            culprit: group.culprit.clone(),
            count: sums.count,
            max_ns: sums.max_ns,
            total_ns: sums.total_ns,
            attributable_max_ns: group.attributable_max_ns(),
            attributable_total_ns: sums.attributable_total_ns,
            ongoing: sums.ongoing,
            victims: Victims {
                tasks: sums.tasks,
                sockets: sums.sockets,
                delay_ns: sums.delay_ns,
                routes: group.routes(),
            },
            first_seen: rfc3339(sums.first_unix_ns),
            ..Self::default()
        };
        finding.describe(&group.worst);
        finding
    }

    /// Takes cause, task and stack from one stall.
    pub(super) fn describe(&mut self, record: &super::StallRecord) {
        let stall = &record.stall;
        self.certainty = if record.is_probable() { Certainty::Probable } else { stall.certainty };
        self.cause = stall.cause.into();
        self.syscall = stall.syscall.clone();
        self.lock = stall.lock.clone();
        self.task = stall.task.as_ref().map(|task| Task {
            id: task.id,
            name: None,
            spawned_at: task.spawned_at.clone(),
        });
        self.route = stall.serving.as_ref().map(|serving| serving.route.clone());
        self.request_id = stall.serving.as_ref().and_then(|serving| serving.id.clone());
        self.set_stack(stall.stack.as_ref());
    }

    /// Takes a stack, where there is one.
    pub(super) fn set_stack(&mut self, stack: Option<&stallscope_wire::Stack>) {
        if let Some(stack) = stack {
            self.stack_quality = Some(stack.quality);
            self.stack = frames_of(stack);
        }
    }

    /// Index into the stack of the frame that is the culprit, if a frame is.
    #[must_use]
    pub fn culprit_frame(&self) -> Option<usize> {
        let culprit = &self.culprit;
        self.stack.iter().position(|frame| {
            let same = (&frame.function, &frame.file, frame.line)
                == (&culprit.function, &culprit.file, culprit.line);
            same && (&frame.module, frame.offset) == (&culprit.module, culprit.offset)
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde takes")]
fn is_zero(ns: &u64) -> bool {
    *ns == 0
}

/// Nanoseconds since the Unix epoch as RFC 3339, to the millisecond.
pub(super) fn rfc3339(unix_ns: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(unix_ns)).to_string()
}
