use super::group::Group;
use super::place::short_place;
use super::{Culprit, Rule};
use serde::{Deserialize, Serialize};
use stallscope_wire::duration::show;
use stallscope_wire::{Certainty, Quality, Victims, counted};
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

/// Why something was late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Cause {
    /// It computed.
    Cpu,
    /// It waited in a system call.
    Syscall,
    /// It waited for another thread.
    Lock,
    /// The machine did not run it.
    Host,
    /// No single poll was long, but there were too many.
    Saturation,
    /// It could not be told.
    #[default]
    Unknown,
}

impl From<stallscope_wire::Cause> for Cause {
    fn from(cause: stallscope_wire::Cause) -> Self {
        match cause {
            stallscope_wire::Cause::Cpu => Self::Cpu,
            stallscope_wire::Cause::Syscall => Self::Syscall,
            stallscope_wire::Cause::Lock => Self::Lock,
            stallscope_wire::Cause::Host => Self::Host,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "cpu",
            Self::Syscall => "syscall",
            Self::Lock => "lock",
            Self::Host => "host",
            Self::Saturation => "saturation",
            Self::Unknown => "unknown",
        })
    }
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

/// One function of a finding's stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// Demangled name, where symbols are known.
    pub function: Option<String>,
    /// Source file.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// The crate that the function belongs to, where it is known.
    #[serde(rename = "crate")]
    pub krate: Option<String>,
    /// The user's own code.
    pub user: bool,
    /// Path of the file that the code lies in, where no symbols are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Offset of the instruction in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl Frame {
    /// Where it is, short enough for a line: `file:line`, without what lies before a dependency's or std's own folder.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let file = short_place(self.file.as_deref()?);
        Some(self.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")))
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.function, &self.module, self.offset) {
            (Some(function), ..) => f.write_str(function),
            (None, Some(module), Some(offset)) => {
                write!(f, "{}+{offset:#x}", module.rsplit('/').next().unwrap_or(module))
            }
            _ => f.write_str("?"),
        }
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

    /// Why it is only probable, in a sentence; none when it is certain.
    #[must_use]
    pub fn doubt(&self) -> Option<&'static str> {
        (self.certainty == Certainty::Probable).then_some(match self.rule {
            Rule::NeverAwaited => {
                "only probable, and no breach: others that the same line made were awaited, and a `select!` or an early \
                 return may drop one rightly"
            }
            Rule::DetachedPanic => {
                "only probable, and no breach: tokio::spawn does not tell whether the task's handle was awaited; stallscope::spawn does"
            }
            Rule::LostTask => {
                "only probable, and no breach: others may still wake it; of tasks of stallscope::spawn it is known whether anything can"
            }
            Rule::SocketLeak => {
                "only probable, and no breach: it is for the clients to say how many connections there are, and more of them \
                 may only have come"
            }
            _ => {
                "only probable, and no breach: it was sampled, and several shorter polls of the same code may look so too; or the \
                 process ended before the names of its stack were found, which may show a wait for work"
            }
        })
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

    /// The request that was being answered, with its id where it has one: `GET /users/{id} (request 7)`; none where it is not known.
    #[must_use]
    pub fn request_in_words(&self) -> Option<String> {
        let id = self.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
        self.route.as_ref().map(|route| format!("{route}{id}"))
    }

    /// The cause with what is known of it: `syscall clock_nanosleep`, `lock mutex`, `cpu`.
    #[must_use]
    pub fn cause_in_words(&self) -> String {
        self.cause.in_words(self.syscall.as_deref(), self.lock.as_deref())
    }
}

impl Cause {
    /// With the system call or the lock that is known of it.
    pub(super) fn in_words(self, syscall: Option<&str>, lock: Option<&str>) -> String {
        let detail = match self {
            Self::Syscall => syscall,
            Self::Lock => lock,
            _ => None,
        };
        detail.map_or_else(|| self.to_string(), |detail| format!("{self} {detail}"))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde takes")]
fn is_zero(ns: &u64) -> bool {
    *ns == 0
}

/// The frames of a captured stack as findings have them, innermost first.
#[must_use]
pub fn frames_of(stack: &stallscope_wire::Stack) -> Vec<Frame> {
    stack.frames.iter().map(|frame| frame_of(stack, frame)).collect()
}

fn frame_of(stack: &stallscope_wire::Stack, frame: &stallscope_wire::Frame) -> Frame {
    let named = frame.function.is_some() || frame.file.is_some();
    let module = frame.module.and_then(|module| stack.modules.get(module as usize)).filter(|_| !named);
    Frame {
        function: frame.function.clone(),
        file: frame.file.clone(),
        line: frame.line,
        krate: frame.krate.clone(),
        user: frame.user,
        offset: module.map(|_| frame.offset),
        module: module.map(|module| module.path.clone()),
    }
}

/// One sentence for people, the place first.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (culprit, max, cause) = (&self.culprit, show(self.max_ns), self.cause_in_words());
        let ongoing = match (self.ongoing, self.rule) {
            (false, _) => "",
            (true, Rule::NeverPolled) => ", and still waits",
            (true, _) => ", and had not ended",
        };
        let times = match self.count {
            1 => "once, for".to_owned(),
            count => format!("{count} times, at most"),
        };
        let probably = if self.doubt().is_some() { "probably " } else { "" };
        match (self.rule, self.cause) {
            (Rule::BlockingPoll, _) => {
                write!(f, "{culprit} {probably}blocked a worker {times} {max}{ongoing} ({cause})")
            }
            (Rule::LoopLag, Cause::Saturation) => {
                write!(f, "new work waited {times} {max}{ongoing}, and no single poll explains it ({cause})")
            }
            (Rule::LoopLag, _) => {
                write!(f, "{culprit} {probably}kept new work waiting {times} {max}{ongoing} ({cause})")
            }
            (Rule::HostPause, _) => write!(f, "the machine did not run the process {times} {max}"),
            (Rule::NeverPolled, _) => match self.count {
                1 => write!(f, "{culprit} spawned a task that was not polled for {max}{ongoing}"),
                count => {
                    write!(f, "{culprit} spawned {count} tasks that were not polled for up to {max}{ongoing}")
                }
            },
            (Rule::NeverAwaited, _) => {
                let were = if self.count == 1 { "was" } else { "were" };
                write!(f, "{culprit} made {} that {were} never awaited", counted(self.count, "future"))
            }
            (Rule::DetachedPanic, _) => {
                let unseen = if probably.is_empty() { "nobody" } else { "perhaps nobody" };
                let times = if self.count == 1 { String::new() } else { format!("{} times ", self.count) };
                write!(f, "{culprit} failed {times}in a task, and {unseen} saw it")
            }
            (Rule::LostTask, _) => match self.count {
                1 => write!(f, "{culprit} has a task that {probably}nothing can wake, idle for {max}"),
                count => {
                    write!(
                        f,
                        "{culprit} has {count} tasks that {probably}nothing can wake, idle for up to {max}"
                    )
                }
            },
            (Rule::TaskLeak, _) => {
                write!(f, "{culprit} spawned {} than ended", counted(self.count, "more task"))
            }
            (Rule::BlockingPool, _) => {
                write!(f, "{culprit} fills the blocking pool: work waited {times} {max}{ongoing}")
            }
            (Rule::SocketLeak, _) => self.fmt_leak(f),
            (Rule::AcceptBacklog, _) => {
                write!(
                    f,
                    "{culprit} let up to {} wait to be accepted{ongoing}",
                    counted(self.count, "connection")
                )
            }
        }
    }
}

impl Finding {
    fn fmt_leak(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (culprit, max, incoming) = (&self.culprit, show(self.max_ns), self.culprit.peer.is_none());
        if self.leak == Some(SocketLeak::Growth) {
            let (probably, opened) = match (self.doubt(), incoming) {
                (Some(_), _) => ("probably ", "took in"),
                (None, true) => ("", "took in"),
                (None, false) => ("", "opened"),
            };
            let more = counted(self.count, "more connection");
            return write!(f, "{culprit} {probably}leaks: within {max} it {opened} {more} than it closed");
        }
        let keeps = if self.ongoing { "keeps" } else { "kept" };
        match (self.count, incoming) {
            (1, true) => write!(f, "{culprit} {keeps} a connection that its client closed, for {max}"),
            (1, false) => write!(f, "{culprit} {keeps} a connection that the server closed, for {max}"),
            (count, true) => {
                write!(
                    f,
                    "{culprit} {keeps} {count} connections that their clients closed, the oldest for {max}"
                )
            }
            (count, false) => {
                write!(
                    f,
                    "{culprit} {keeps} {count} connections that the server closed, the oldest for {max}"
                )
            }
        }
    }
}

/// Nanoseconds since the Unix epoch as RFC 3339, to the millisecond.
pub(super) fn rfc3339(unix_ns: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(unix_ns)).to_string()
}
