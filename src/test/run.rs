use super::reaction::Reaction;
use crate::analysis::History;
use crate::analysis::limits::{Conduct, Gaps, Limits, alive};
use crate::observe::Heard;
use stallscope_instrument::__private::{Builder, Crate, Seen, Settings, Tried, Wants, Watching};
use stallscope_wire::{Gap, Header, Line, Snapshot};
use std::future::Future;
use std::panic::resume_unwind;
use std::thread::Result;

/// The threshold of a test without a limit on stalls, in nanoseconds.
const USUAL_NS: u64 = 100_000_000;

/// What the attribute allows: durations in nanoseconds, and counts; none: anything.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// How long a poll may last.
    pub max_stall: Option<u64>,
    /// How long new work may wait.
    pub max_lag: Option<u64>,
    /// How many tasks may live on.
    pub max_leaked_tasks: Option<u64>,
    /// How many sockets may stay open.
    pub max_leaked_sockets: Option<u64>,
    /// How many futures may be dropped without one poll.
    pub max_never_awaited: Option<u64>,
}

/// Runs a test of this name, and fails it, at the caller's line, when it does what is not allowed.
///
/// # Panics
/// With what the test panics with; else when a limit does not hold, or cannot be checked since nothing is watched, unless the
/// test has `failed` by what it returns; and when the runtime cannot be built.
#[track_caller]
pub fn run_test<F: Future>(
    name: &str,
    builder: Builder,
    about: Crate,
    allowed: Allowed,
    failed: impl FnOnce(&F::Output) -> bool,
    future: F,
) -> F::Output {
    let limits = Limits {
        stall_ns: allowed.max_stall,
        lag_ns: allowed.max_lag,
        leaked_tasks: allowed.max_leaked_tasks,
        leaked_sockets: allowed.max_leaked_sockets,
        never_awaited: allowed.max_never_awaited,
    };
    let wants = Wants {
        tasks: limits.leaked_tasks.is_some(),
        sockets: limits.leaked_sockets.is_some(),
        lag: limits.lag_ns.is_some(),
        own_runtime: true,
    };
    let heard = Heard::new(Header {
        threshold_ns: limits.stall_ns.unwrap_or(USUAL_NS),
        lag_limit_ns: limits.lag_ns.unwrap_or(USUAL_NS),
        source_root: Some(about.source_root.to_owned()).filter(|root| !root.is_empty()),
        ..Header::default()
    });
    let hear = {
        let heard = heard.clone();
        move |line: &Line| heard.apply(line)
    };
    let settings = Settings { stall_ns: limits.stall_ns, lag_ns: limits.lag_ns, wants };
    let tried = stallscope_instrument::__private::run_test(builder, about, settings, hear, future);
    let Tried { seen, watching } = tried;
    let (found, seen) = found(&limits, heard.history(), seen, &watching);
    // As the harness calls it: without its crate.
    let name = name.split_once("::").map_or(name, |(_, name)| name);
    let say = |text: &String| say(name, text);
    found.notes.iter().for_each(say);
    match seen {
        // The test's own failure wins; what was found may be why.
        Err(panic) => {
            found.breaches.iter().for_each(say);
            resume_unwind(panic)
        }
        Ok(output) if failed(&output) => {
            found.breaches.iter().for_each(say);
            output
        }
        Ok(output) => {
            found.react(say);
            output
        }
    }
}

/// Lines on the test's own stderr, which the test's harness captures, and with `--nocapture` mixes with those of others.
fn say(name: &str, text: &str) {
    eprintln!("stallscope: {name}: {text}");
}

/// What is to be said of a test.
struct Found {
    breaches: Vec<String>,
    notes: Vec<String>,
}

impl Found {
    /// Fails the test, unless it is only to be warned.
    #[track_caller]
    fn react(mut self, say: impl Fn(&String)) {
        let reaction = Reaction::of_environment().unwrap_or_else(|problem| {
            self.breaches.push(problem);
            Reaction::Fail
        });
        if self.breaches.is_empty() {
            return;
        }
        match reaction {
            Reaction::Fail => panic!("{}", self.breaches.join("\n")),
            Reaction::Warn => self.breaches.iter().for_each(say),
        }
    }
}

fn found<T>(
    limits: &Limits,
    heard: History,
    seen: Result<Seen<T>>,
    watching: &Watching,
) -> (Found, Result<T>) {
    let mut history = heard;
    let mut gaps = Gaps { stalls: told_gap(&history), ..Gaps::default() };
    let (mut tasks, mut sockets) = (Vec::new(), Vec::new());
    let seen = seen.map(|seen| {
        history.apply(Line::Snapshot(Snapshot { watched: seen.futures, ..Snapshot::default() }));
        (tasks, sockets) = (alive(&seen.tasks, seen.unplaced), seen.sockets);
        gaps.stalls = gaps.stalls.take().or(seen.stalls_gap);
        (gaps.tasks, gaps.sockets) = (seen.tasks_gap, seen.sockets_gap);
        seen.output
    });
    let problem = match watching {
        Watching::Whole(_) => None,
        // As it was wanted: nothing is claimed.
        Watching::Off => return (Found { breaches: Vec::new(), notes: Vec::new() }, seen),
        Watching::Unanswered => Some("the watchdog has not answered in time".to_owned()),
        Watching::Failed(error) => Some(error.to_string()),
    };
    let conduct = Conduct { history, tasks, sockets, gaps };
    let mut breaches: Vec<_> = conduct.breaches(limits).iter().map(ToString::to_string).collect();
    let unchecked = problem.filter(|_| *limits != Limits::default());
    breaches.extend(unchecked.map(|problem| format!("the test's limits were not checked: {problem}")));
    (Found { breaches, notes: conduct.notes(limits) }, seen)
}

/// Why stalls may have gone unseen, as the process tells.
fn told_gap(history: &History) -> Option<Gap> {
    history.coverage().missing.iter().find(|gap| gap.hides_stalls).cloned()
}
