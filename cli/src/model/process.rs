use super::clock::Clock;
use super::cost::Cost;
use super::detail::Behind;
use super::lag::Lag;
use super::lists::Lists;
use super::ports::Ports;
use super::strips::Strips;
use super::tasks::Tasks;
use super::traffic::Traffic;
use super::workers::Doing;
use crate::source::{Ending, Origin};
use stallscope::analysis::{self, Culprit, Finding, History, Rule, StallRecord, short_place};
use stallscope_wire::{Cause, Frame, Header, Line, Phase, Stack, Stall};
use std::sync::Arc;
use std::time::Duration;

/// What stands for a place while its name is looked up.
pub(crate) const NAMING: &str = "a line that is being looked up";
/// Names that have not come within this time do not come, in nanoseconds.
const NAMING_NS: u64 = 5_000_000_000;

/// A process with more spawn locations than this is large: its findings wait for the next line that comes so much later, in
/// nanoseconds.
const LARGE: (usize, u64) = (500, 500_000_000);

/// What is known of the watched process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) history: History,
    pub(crate) origin: Origin,
    pub(crate) clock: Clock,
    pub(crate) lag: Lag,
    pub(crate) traffic: Traffic,
    pub(crate) ports: Ports,
    pub(crate) tasks: Tasks,
    pub(super) strips: Strips,
    pub(super) lists: Lists,
    pub(super) cost: Cost,
    /// Shared with the copies that are kept to look back.
    pub(crate) findings: Arc<Vec<Finding>>,
    /// The stalls behind each of them.
    pub(super) behind: Arc<Vec<Behind>>,
    /// Loop lag that a stall among the findings explains.
    explained: Arc<Vec<Finding>>,
    /// Lines came that may change the findings.
    unsettled: bool,
    /// The process's time when the findings were brought up to date; none before.
    settled_ns: Option<u64>,
    pub(crate) conclusion: Option<Conclusion>,
    pub(crate) lines: u64,
    /// It is shown as it was at some time, and more is known.
    pub(crate) past: bool,
}

/// Why nothing follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Conclusion {
    Ended(Ending),
    /// In words.
    Failed(String),
}

impl Process {
    pub(crate) fn new(header: Header, origin: Origin) -> Self {
        let clock = if matches!(origin, Origin::Live(_)) { Clock::live() } else { Clock::default() };
        Self {
            history: History::new(header),
            origin,
            clock,
            lag: Lag::default(),
            traffic: Traffic::default(),
            ports: Ports::default(),
            tasks: Tasks::default(),
            strips: Strips::default(),
            lists: Lists::default(),
            cost: Cost::default(),
            findings: Arc::default(),
            behind: Arc::default(),
            explained: Arc::default(),
            unsettled: false,
            settled_ns: None,
            conclusion: None,
            lines: 0,
            past: false,
        }
    }

    pub(super) fn apply(&mut self, line: Line, ours: Duration) {
        let received = self.is_live().then_some(ours);
        self.take(line, received);
    }

    /// Takes a line that was applied before, to a process that has gone on since.
    pub(super) fn replay(&mut self, line: Line) {
        self.take(line, None);
    }

    /// Takes the names of a stall that it knows, found at a later time than its own.
    pub(super) fn name(&mut self, stall: Stall) {
        self.history.apply(Line::Stall(stall));
        self.unsettled = true;
    }

    /// A copy that what comes does not change, without what can be derived.
    pub(super) fn state(&self) -> Self {
        let (findings, behind, explained) = (Arc::default(), Arc::default(), Arc::default());
        // What is derived may be large, and is dropped at the next change anyhow.
        let lists = Lists::default();
        Self { findings, behind, explained, lists, unsettled: true, settled_ns: None, ..self.clone() }
    }

    /// As it is, to be shown as that of a time.
    pub(super) fn as_of(&self, at_ns: u64) -> Self {
        let mut then = self.clone();
        then.stand(at_ns);
        then
    }

    /// Its time is this one from now on.
    pub(super) fn stand(&mut self, at_ns: u64) {
        self.past = true;
        self.clock.stand(at_ns);
    }

    fn take(&mut self, line: Line, received: Option<Duration>) {
        // A snapshot too says how long what goes on has lasted, and that it is over.
        self.unsettled |= matches!(line, Line::Snapshot(_)) && self.goes_on();
        match &line {
            Line::Snapshot(snapshot) => {
                self.lag.apply(snapshot.at_ns, &snapshot.lag);
                let known = self.history.snapshot().map_or(&[][..], |known| &known.locations);
                self.tasks.apply(known, snapshot);
                self.strips.apply(snapshot);
                self.cost.apply(snapshot);
                // Some findings are about counters.
                self.unsettled |= !snapshot.locations.is_empty() || !snapshot.watched.is_empty();
            }
            Line::Handler(handlers) => {
                self.traffic.apply(handlers);
                self.lists.handlers.forget();
            }
            Line::Socket(sockets) => {
                self.ports.apply(sockets);
                self.lists.sockets.forget();
                self.lists.notable.forget();
                self.unsettled = true;
            }
            Line::Stall(_)
            | Line::Earlier(_)
            | Line::Lag(_)
            | Line::Pause(_)
            | Line::Unpolled(_)
            | Line::Failure(_)
            | Line::Orphan(_)
            | Line::Pool(_) => self.unsettled = true,
            _ => {}
        }
        if let Some(at_ns) = at_ns(&line) {
            self.clock.hear(at_ns, received);
        }
        self.lines += 1;
        let snapshot = matches!(line, Line::Snapshot(_));
        self.history.apply(line);
        self.unsettled |= snapshot && self.goes_on();
    }

    pub(super) fn conclude(&mut self, conclusion: Conclusion, ours: Duration) {
        self.history.set_cut(conclusion == Conclusion::Ended(Ending::Cut));
        self.conclusion = Some(conclusion);
        self.unsettled = true;
        self.clock.stop(ours);
    }

    /// Brings the findings up to what was applied. Not done line by line: it looks at all stalls.
    pub(super) fn settle(&mut self) {
        if self.unsettled && !self.may_wait() {
            (self.unsettled, self.settled_ns) = (false, Some(self.clock.latest_ns()));
            let mut findings = analysis::findings(&[&self.history]);
            let stalls: Vec<_> =
                findings.iter().filter(|f| f.rule == Rule::BlockingPoll).map(|f| f.culprit.place()).collect();
            let explained = |f: &mut Finding| f.rule == Rule::LoopLag && stalls.contains(&f.culprit.place());
            self.explained = Arc::new(findings.extract_if(.., explained).collect());
            self.behind = Arc::new(Behind::each(&findings, &self.history));
            self.findings = Arc::new(findings);
            self.lists.findings.forget();
        }
    }

    /// More lines come soon, and to go through all of a large process for each is too dear.
    fn may_wait(&self) -> bool {
        let (large, pace_ns) = LARGE;
        let locations = self.history.snapshot().map_or(0, |snapshot| snapshot.locations.len());
        let since_ns = self.settled_ns.map_or(u64::MAX, |at_ns| self.clock.latest_ns().saturating_sub(at_ns));
        locations > large && since_ns < pace_ns && self.is_live() && self.conclusion.is_none() && !self.past
    }

    /// The loop lag that a stall was the cause of: told with the stall, not beside it.
    pub(crate) fn lag_behind(&self, stall: &Finding) -> Option<&Finding> {
        let place = Some(stall.culprit.place()).filter(|_| stall.rule == Rule::BlockingPoll)?;
        self.explained.iter().find(|lag| lag.culprit.place() == place)
    }

    pub(crate) fn header(&self) -> &Header {
        self.history.header()
    }

    /// Whether lines are read from a running process.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.origin, Origin::Live(_))
    }

    /// Whether anything has begun and not ended.
    fn goes_on(&self) -> bool {
        self.is_stalled() || self.history.lags().any(|lag| lag.ongoing)
    }

    /// Whether a stall goes on.
    pub(super) fn is_stalled(&self) -> bool {
        self.history.stalls().any(|record| record.ongoing)
    }

    /// Whether a stall went on behind any of the findings when they were brought up to date.
    pub(super) fn findings_go_on(&self) -> bool {
        self.behind.iter().any(Behind::goes_on)
    }

    /// Stalls that go on, the longest first.
    pub(crate) fn ongoing(&self) -> impl Iterator<Item = &StallRecord> {
        let mut ongoing: Vec<_> = self.history.stalls().filter(|record| record.ongoing).collect();
        ongoing.sort_by_key(|record| record.stall.started_ns);
        ongoing.into_iter()
    }

    /// How long a stall has lasted: it goes on between its lines.
    pub(crate) fn lasted_ns(&self, record: &StallRecord, now_ns: u64) -> u64 {
        let Stall { started_ns, duration_ns, .. } = record.stall;
        if record.ongoing { duration_ns.max(now_ns.saturating_sub(started_ns)) } else { duration_ns }
    }

    /// Where a stall is, in words.
    pub(crate) fn place_of(&self, record: &StallRecord, now_ns: u64) -> String {
        let culprit = Culprit::of(record);
        match (self.is_being_named(record, now_ns), &culprit.spawned_at) {
            (true, Some(spawned_at)) => format!("{NAMING}, of a task spawned at {}", short_place(spawned_at)),
            (true, None) => NAMING.to_owned(),
            (false, _) => culprit.to_string(),
        }
    }

    /// The part of it that the code answers for, as far as is known: what is left without the time that the machine took.
    pub(crate) fn answered_ns(&self, record: &StallRecord, now_ns: u64) -> u64 {
        let Stall { duration_ns, attributable_ns, .. } = record.stall;
        self.lasted_ns(record, now_ns).saturating_sub(duration_ns.saturating_sub(attributable_ns))
    }

    /// Whether the names in its stack are still to come: a stall is told before they are found, which takes a second or two
    /// the first time.
    pub(crate) fn is_being_named(&self, record: &StallRecord, now_ns: u64) -> bool {
        let stall = &record.stall;
        let unnamed = |stack: &Stack| {
            let named = |frame: &Frame| frame.function.is_some() || frame.file.is_some();
            !stack.frames.is_empty() && !stack.frames.iter().any(named)
        };
        let soon = now_ns < stall.at_ns.saturating_add(NAMING_NS) && self.conclusion.is_none();
        record.ongoing && soon && stall.phase == Phase::Begin && stall.stack.as_ref().is_some_and(unnamed)
    }

    pub(super) fn blocked(&self, record: &StallRecord, now_ns: u64) -> Doing {
        Doing::Blocked {
            for_ns: self.lasted_ns(record, now_ns),
            culprit: self.place_of(record, now_ns),
            why: why(record),
        }
    }
}

/// A stall's cause in a word: the name of what it waits for, where there is one; and whether it is only probable.
pub(crate) fn why(record: &StallRecord) -> String {
    let stall = &record.stall;
    let why = match (stall.cause, &stall.syscall, &stall.lock) {
        (Cause::Syscall, Some(syscall), _) => syscall.clone(),
        (Cause::Syscall, None, _) => "a system call".to_owned(),
        (Cause::Lock, _, Some(lock)) => lock.clone(),
        (Cause::Lock, ..) => "a lock".to_owned(),
        (Cause::Cpu, ..) => "computing".to_owned(),
        (Cause::Host, ..) => "not run by the machine".to_owned(),
        _ => "cause not known yet".to_owned(),
    };
    if record.is_probable() { why + ", probably" } else { why }
}

/// When a line was written.
pub(super) fn at_ns(line: &Line) -> Option<u64> {
    Some(match line {
        Line::Snapshot(snapshot) => snapshot.at_ns,
        Line::Stall(stall) => stall.at_ns,
        Line::Earlier(earlier) => earlier.at_ns,
        Line::Lag(lag) => lag.at_ns,
        Line::Pause(pause) => pause.at_ns,
        Line::Handler(handlers) => handlers.at_ns,
        Line::Socket(sockets) => sockets.at_ns,
        Line::Unpolled(unpolled) => unpolled.at_ns,
        Line::Failure(failure) => failure.at_ns,
        Line::Orphan(orphan) => orphan.at_ns,
        Line::Pool(wait) => wait.at_ns,
        Line::Lost(lost) => lost.at_ns,
        Line::End(end) => end.at_ns,
        Line::Leave(leave) => leave.at_ns,
        _ => return None,
    })
}
