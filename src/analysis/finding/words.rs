//! A finding as people read it.

use super::{Cause, Finding, SocketLeak};
use crate::analysis::Rule;
use stallscope_wire::duration::show;
use stallscope_wire::{Certainty, counted};
use std::fmt;

impl Finding {
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
