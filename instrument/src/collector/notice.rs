//! A word to the app's own log, once per culprit: a `tracing` event, or a line on stderr where nobody listens.

use crate::watched;
use stallscope_wire::{
    Cause, Certainty, Failure, Gap, How, Orphan, Phase, PoolWait, Serving, Stack, Stall, Watched, duration,
};
use std::collections::{HashSet, VecDeque};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

/// Notices per [`WINDOW`].
const LIMIT: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Culprits that are remembered as told.
const REMEMBERED: usize = 4096;
/// Stalls in progress that the host was blamed for, of which the culprit is kept.
const DOUBTFUL: usize = 64;
/// Notices that may wait for the app's log: those of a window, and what the one before suppressed.
const WAITING: usize = LIMIT as usize + 1;
/// How long the program's exit may wait for the app's log.
const EXIT_PATIENCE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Notices {
    /// Of what takes less nothing is told that the code allows itself.
    threshold_ns: u64,
    told: HashSet<String>,
    /// Culprits of stalls that the host was blamed for, or that the code allows itself, by the stall's id: when more is known,
    /// it may be the code.
    doubtful: VecDeque<(u64, String)>,
    window: Option<Instant>,
    in_window: u32,
    suppressed: u64,
    /// The news of futures that were looked at.
    heard: u64,
    say: fn(&str),
    speaker: Option<Speaker>,
}

impl Notices {
    /// Where a stall is what takes at least so many nanoseconds.
    pub(super) fn new(threshold_ns: u64) -> Self {
        Self { threshold_ns, ..Self::by(say) }
    }

    fn by(say: fn(&str)) -> Self {
        Self {
            threshold_ns: 0,
            told: HashSet::new(),
            doubtful: VecDeque::new(),
            window: None,
            in_window: 0,
            suppressed: 0,
            heard: 0,
            say,
            speaker: None,
        }
    }

    /// Tells of a stall whose culprit was not told of before. What the host did is no news, nor what the code allows itself, but
    /// whose doing a stall is may be known only later.
    pub(super) fn stall(&mut self, stall: &Stall) {
        let known = self.doubtful.iter().position(|(id, _)| *id == stall.id);
        let known = known.and_then(|at| self.doubtful.remove(at)).map(|(_, culprit)| culprit);
        let culprit = match known {
            // A later line without a stack knows less of the culprit.
            Some(known) if stall.stack.is_none() => known,
            None if stall.phase != Phase::Begin => return,
            _ => culprit(stall),
        };
        if stall.cause == Cause::Host || stall.is_allowed(self.threshold_ns) {
            if stall.phase != Phase::End {
                self.doubtful.truncate(DOUBTFUL - 1);
                self.doubtful.push_front((stall.id, culprit));
            }
            return;
        }
        let lasted = duration::show(stall.duration_ns);
        let thread = &stall.thread.name;
        let cause = cause(stall);
        let waiting = match stall.victims.in_words() {
            Some(who) => format!("; {who} waited behind it"),
            None => String::new(),
        };
        let probably = if stall.certainty == Certainty::Probable { "probably " } else { "" };
        let blocks = match stall.phase {
            Phase::End => format!("{probably}blocked thread {thread} for {lasted}"),
            _ => format!("{probably}blocks thread {thread}, for {lasted} so far"),
        };
        let request = stall.serving.as_ref().map(answering).unwrap_or_default();
        let notice = format!("{culprit} {blocks}{request} ({cause}){waiting}");
        self.tell(culprit, notice);
    }

    /// Tells of something that was asked for and cannot be had.
    pub(super) fn gap(&mut self, gap: &Gap) {
        self.tell(gap.what.clone(), format!("{}; {}", gap.what, gap.cure));
    }

    /// Tells of futures that nobody awaited, if there are new ones.
    pub(super) fn futures(&mut self) {
        let news = watched::news();
        if news != self.heard {
            self.heard = news;
            watched::read().iter().for_each(|line| self.futures_of(line));
        }
    }

    /// Tells of a line that made futures none of which was polled, and that was not told of before.
    fn futures_of(&mut self, line: &Watched) {
        if line.unpolled == 0 || line.polled > 0 {
            return;
        }
        let place = line.created_at.rsplit_once(':').map_or("a line", |(place, _column)| place);
        let function = line.function.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let notice = format!("{place} made a future{function} that was dropped without being awaited");
        self.tell(format!("never awaited: {} {function}", line.created_at), notice);
    }

    /// Tells of a failure that nobody saw, of a place that was not told of before. Of one that somebody may have seen the app's own
    /// panic hook has said all that is known.
    pub(super) fn failure(&mut self, failure: &Failure) {
        if failure.certainty == Certainty::Probable {
            return;
        }
        let Failure { spawned_at, message, .. } = failure;
        let place = failure.place.as_ref().unwrap_or(spawned_at);
        let how = match failure.how {
            How::Panic => "panicked",
            _ => "returned an error",
        };
        let notice = format!("{place}: a task {how} and nobody saw it: {message} (spawned at {spawned_at})");
        self.tell(format!("failed: {place}"), notice);
    }

    /// Tells of a task that nothing can wake, of a line that was not told of before.
    pub(super) fn orphan(&mut self, orphan: &Orphan) {
        if orphan.certainty == Certainty::Probable {
            return;
        }
        let (spawned_at, idle) = (&orphan.spawned_at, duration::show(orphan.idle_ns));
        let notice = format!(
            "{spawned_at}: a task spawned there waits, for {idle} so far, and nothing can wake it: no waker of it is left"
        );
        self.tell(format!("lost: {spawned_at}"), notice);
    }

    /// Tells what fills a blocking pool that work waits for, once it is known, if it was not told of before.
    pub(super) fn pool(&mut self, wait: &PoolWait) {
        let stack = wait.sites.first().map(|site| &site.stack);
        if stack.is_none() && wait.ongoing {
            return;
        }
        let culprit = place(stack).unwrap_or_else(|| "something unknown".to_owned());
        let (threads, waited) = (wait.threads, duration::show(wait.wait_ns));
        let waits = if wait.ongoing { format!("waits {waited} so far") } else { format!("waited {waited}") };
        let notice =
            format!("{culprit} fills the blocking pool: work {waits} for one of its {threads} threads");
        self.tell(format!("pool: {culprit}"), notice);
    }

    /// Hands on the notice of something that was not told of before, unless too many were.
    fn tell(&mut self, what: String, notice: String) {
        if self.told.len() >= REMEMBERED || !self.told.insert(what) {
            return;
        }
        self.window.get_or_insert_with(Instant::now);
        if self.in_window >= LIMIT {
            self.suppressed += 1;
            return;
        }
        self.in_window += 1;
        if !self.hand_on(notice) {
            self.suppressed += 1;
        }
    }

    /// Whether a window is to be ended.
    pub(super) fn counts(&self) -> bool {
        self.window.is_some()
    }

    /// Ends a window that is over, and tells how much it suppressed.
    pub(super) fn beat(&mut self) {
        if self.window.is_some_and(|begun| begun.elapsed() >= WINDOW) {
            let told = self.suppressed == 0
                || self.hand_on(format!(
                    "{} more culprits were not told of in the last minute",
                    self.suppressed
                ));
            if told {
                self.suppressed = 0;
            }
            self.in_window = 0;
            self.window = (!told).then(Instant::now);
        }
    }

    /// Waits, for a while, until what was handed on is said.
    pub(super) fn finish(&mut self) {
        if let Some(Speaker { notices, ended }) = self.speaker.take() {
            drop(notices);
            let _ = ended.recv_timeout(EXIT_PATIENCE);
        }
    }

    /// Never waits; false when the app's log does not keep up.
    fn hand_on(&mut self, notice: String) -> bool {
        if self.speaker.is_none() {
            self.speaker = Speaker::start(self.say);
        }
        self.speaker.as_ref().is_some_and(|speaker| speaker.notices.try_send(notice).is_ok())
    }
}

fn answering(serving: &Serving) -> String {
    let id = serving.id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
    format!(", answering {}{id}", serving.route)
}

/// A thread that writes to the app's log. The locks that this takes may be held by the very thread that is told of, so
/// nobody else waits for it.
#[derive(Debug)]
struct Speaker {
    notices: SyncSender<String>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Speaker {
    fn start(say: fn(&str)) -> Option<Self> {
        let (notices, waiting) = sync_channel::<String>(WAITING);
        let (running, ended) = channel();
        let speak = move || {
            let _running: Sender<()> = running;
            for notice in waiting {
                // A subscriber that panics is the app's own affair; the next notice finds it as it left itself.
                let _ = catch_unwind(AssertUnwindSafe(|| say(&notice)));
            }
        };
        let thread = std::thread::Builder::new().name("stallscope-say".to_owned());
        crate::signals::blocked(|| thread.spawn(speak)).ok()?;
        Some(Self { notices, ended })
    }
}

fn say(message: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::warn!(target: "stallscope", "{message}");
    } else {
        // A closed stderr is no reason to stop.
        let _ = writeln!(std::io::stderr(), "stallscope: {message}");
    }
}

fn culprit(stall: &Stall) -> String {
    place(stall.stack.as_ref())
        .or_else(|| stall.task.as_ref().map(|task| format!("the task spawned at {}", task.spawned_at)))
        .unwrap_or_else(|| "something unknown".to_owned())
}

/// The line that a stack accuses, or else the function.
fn place(stack: Option<&Stack>) -> Option<String> {
    let frame = stack.filter(|stack| !stack.allowed).and_then(Stack::culprit_frame)?;
    let place = frame.file.as_ref().zip(frame.line).map(|(file, line)| format!("{file}:{line}"));
    place.or_else(|| frame.function.clone())
}

fn cause(stall: &Stall) -> String {
    match (stall.cause, &stall.syscall, &stall.lock) {
        (Cause::Cpu, ..) => "computing".to_owned(),
        (Cause::Lock, _, Some(lock)) => format!("waiting for a {lock}"),
        (_, Some(call), _) => format!("in the system call {call}"),
        _ => "cause not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Frame, PoolSite, Task, Victims};
    use std::sync::Mutex;

    fn stall(spawned_at: &str) -> Stall {
        Stall { task: Some(Task { id: 1, spawned_at: spawned_at.to_owned() }), ..Stall::default() }
    }

    #[test]
    fn nobody_waits_for_a_log_that_is_locked() {
        static LOCKED: Mutex<()> = Mutex::new(());
        let _held = LOCKED.lock().unwrap();
        let mut notices = Notices::by(|_| drop(LOCKED.lock()));
        for line in 0..100 {
            notices.stall(&stall(&format!("a.rs:{line}")));
        }
        notices.finish();
        assert_eq!(u64::from(notices.in_window) + notices.suppressed, 100);
    }

    #[test]
    fn a_log_that_panics_is_told_of_the_next_culprit_too() {
        static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let mut notices = Notices::by(|notice| {
            SAID.lock().unwrap().push(notice.to_owned());
            std::panic::resume_unwind(Box::new("no log today"));
        });
        for place in ["a.rs:1", "b.rs:2", "a.rs:1"] {
            notices.stall(&stall(place));
        }
        notices.speaker.take().map(|speaker| (drop(speaker.notices), speaker.ended.recv()));
        let said = SAID.lock().unwrap();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[1].contains("b.rs:2"), "{said:?}");
    }

    #[test]
    fn what_fills_a_pool_is_told_once_it_is_known() {
        static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let mut notices = Notices::by(|notice| SAID.lock().unwrap().push(notice.to_owned()));
        let frame = Frame { file: Some("a.rs".to_owned()), line: Some(1), ..Frame::default() };
        let stack = Stack { frames: vec![frame], culprit: Some(0), ..Stack::default() };
        let unknown = PoolWait { ongoing: true, wait_ns: 100_000_000, threads: 4, ..PoolWait::default() };
        let known = PoolWait { sites: vec![PoolSite { threads: 4, stack }], ..unknown.clone() };
        let over = PoolWait { ongoing: false, ..known.clone() };
        [unknown, known, over].iter().for_each(|wait| notices.pool(wait));
        notices.speaker.take().map(|speaker| (drop(speaker.notices), speaker.ended.recv()));
        let told = "a.rs:1 fills the blocking pool: work waits 100ms so far for one of its 4 threads";
        assert_eq!(*SAID.lock().unwrap(), [told]);
    }

    #[test]
    fn a_stall_that_turns_out_to_be_the_codes_is_told_by_the_place_it_was_seen_at() {
        static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let mut notices = Notices::by(|notice| SAID.lock().unwrap().push(notice.to_owned()));
        let hosts = |id, phase| Stall { id, phase, cause: Cause::Host, ..stall("a.rs:1") };
        notices.stall(&hosts(1, Phase::Begin));
        notices.stall(&hosts(2, Phase::Begin));
        notices.stall(&hosts(2, Phase::End));
        let victims = Victims { tasks: 1, sockets: Some(3), delay_ns: 7, ..Victims::default() };
        let settled = Stall { id: 1, phase: Phase::End, cause: Cause::Cpu, victims, ..Stall::default() };
        notices.stall(&settled);
        notices.stall(&settled);
        notices.speaker.take().map(|speaker| (drop(speaker.notices), speaker.ended.recv()));
        let said = SAID.lock().unwrap();
        let place = "the task spawned at a.rs:1 blocked thread ";
        assert!(said.len() == 1 && said[0].starts_with(place), "{said:?}");
        assert!(said[0].ends_with("(computing); 1 task and 3 connections waited behind it"), "{said:?}");
    }
}
