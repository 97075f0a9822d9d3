mod connections;
mod growth;
mod kept;
mod lags;
mod lengths;
mod pauses;
mod queues;
mod since;
mod spawns;
mod stalls;
mod subject;
mod window;

pub(super) use connections::{Connections, LeftOver, Place};
pub(super) use growth::{Growth, Leak};
pub(super) use kept::Kept;
pub(super) use lags::{LagGroup, Lags};
pub(super) use lengths::Lengths;
pub(super) use pauses::{Pauses, host_time};
pub(super) use queues::{Backlog, Queues};
pub use since::Since;
use spawns::Spawns;
pub use stalls::StallRecord;
pub(super) use stalls::{HostTimes, Stalls};
pub(super) use subject::Subject;
pub use window::Window;

use stallscope_wire::{
    Coverage, Failure, Handlers, Header, Lag, Line, Lost, Mode, Orphan, Pause, PoolWait, Snapshot, Sockets,
    Stack, Tier, Unpolled,
};

/// What is known of one process, built from its lines.
///
/// Its memory is bounded, so that a dashboard may apply lines for days: of many thousand stalls the newest and the worst
/// are kept, and the others live on in the counts of their culprits.
#[derive(Debug, Clone)]
pub struct History {
    header: Header,
    snapshot: Option<Snapshot>,
    stalls: Stalls,
    lags: Lags,
    pauses: Pauses,
    spawns: Spawns,
    unpolled: Kept<Unpolled>,
    failures: Kept<Failure>,
    orphans: Kept<Orphan>,
    pool_waits: Kept<PoolWait>,
    handlers: Option<Handlers>,
    sockets: Option<Sockets>,
    connections: Connections,
    queues: Queues,
    coverage: Coverage,
    lost: Lost,
    /// The one in which least was recorded.
    least_mode: Mode,
    runtimes: usize,
    workers: usize,
    first_at_ns: u64,
    last_at_ns: u64,
    /// What a stack has told of it.
    source_root: Option<String>,
    ended: bool,
    cut: bool,
    released: bool,
}

impl History {
    /// A process of which only the header is known.
    #[must_use]
    pub fn new(header: Header) -> Self {
        Self {
            coverage: header.coverage.clone(),
            least_mode: header.mode,
            spawns: Spawns::new(header.leak_window_ns),
            connections: Connections::new(header.leak_window_ns),
            queues: Queues::default(),
            snapshot: None,
            stalls: Stalls::default(),
            lags: Lags::default(),
            pauses: Pauses::default(),
            unpolled: Kept::default(),
            failures: Kept::default(),
            orphans: Kept::default(),
            pool_waits: Kept::default(),
            handlers: None,
            sockets: None,
            lost: Lost { lines: left_out(&header), ..Lost::default() },
            runtimes: 0,
            workers: 0,
            first_at_ns: 0,
            last_at_ns: 0,
            source_root: None,
            ended: false,
            cut: false,
            released: false,
            header,
        }
    }

    /// Takes in the next line.
    pub fn apply(&mut self, line: Line) {
        let at_ns = match line {
            Line::Snapshot(mut snapshot) => {
                let at_ns = snapshot.at_ns;
                if !snapshot.locations.is_empty() {
                    self.spawns.look(&snapshot);
                }
                if let Some(before) = &mut self.snapshot {
                    keep(&mut snapshot.locations, &mut before.locations);
                    keep(&mut snapshot.watched, &mut before.watched);
                }
                self.runtimes = self.runtimes.max(snapshot.runtimes.len());
                self.workers = self.workers.max(snapshot.worker_count());
                self.least_mode = less_of(self.least_mode, snapshot.mode);
                self.stalls.advance(&snapshot);
                self.lags.advance(&snapshot, &self.header);
                self.snapshot = Some(snapshot);
                at_ns
            }
            Line::Stall(stall) => {
                let at_ns = stall.at_ns;
                self.learn_root(stall.stack.as_ref());
                self.stalls.apply(&self.header, &self.pauses, stall);
                at_ns
            }
            Line::Earlier(earlier) => {
                let at_ns = earlier.at_ns;
                self.learn_root(earlier.stalls.iter().filter_map(|told| told.worst.stack.as_ref()));
                self.stalls.take_earlier(&self.header, earlier);
                at_ns
            }
            Line::Lag(lag) => {
                let at_ns = lag.at_ns;
                self.lags.apply(&self.header, &self.stalls, lag);
                at_ns
            }
            Line::Pause(pause) => {
                let at_ns = pause.at_ns;
                self.pauses.apply(&self.header, &self.stalls, pause);
                at_ns
            }
            Line::Handler(mut handlers) => {
                if let Some(before) = self.handlers.take() {
                    handlers.complete(before);
                }
                self.handlers.insert(handlers).at_ns
            }
            Line::Socket(sockets) => {
                let over =
                    self.runtimes > 0 && self.snapshot.as_ref().is_some_and(|now| now.runtimes.is_empty());
                self.connections.look(&sockets, over);
                self.queues.look(&sockets);
                self.sockets.insert(sockets).at_ns
            }
            Line::Unpolled(unpolled) => {
                let at_ns = unpolled.at_ns;
                self.unpolled.apply(unpolled.task, unpolled);
                at_ns
            }
            Line::Failure(failure) => {
                let at_ns = failure.at_ns;
                self.failures.apply(failure.task, failure);
                at_ns
            }
            Line::Orphan(orphan) => {
                let at_ns = orphan.at_ns;
                self.orphans.apply(orphan.task, orphan);
                at_ns
            }
            Line::Pool(wait) => {
                let at_ns = wait.at_ns;
                self.learn_root(wait.sites.iter().map(|site| &site.stack));
                self.pool_waits.apply(wait.id, wait);
                at_ns
            }
            Line::Coverage(coverage) => {
                self.coverage = coverage;
                0
            }
            Line::Lost(mut lost) => {
                lost.lines = lost.lines.saturating_add(left_out(&self.header));
                self.lost = lost;
                self.lost.at_ns
            }
            Line::End(end) => {
                // A recording that ends is whole, though its process went on.
                if self.header.flight.as_ref().is_some_and(|flight| flight.goes_on) {
                    self.released = true;
                } else {
                    self.ended = true;
                }
                end.at_ns
            }
            Line::Leave(leave) => {
                self.released = true;
                leave.at_ns
            }
            // A second header, or a kind that this version does not know, changes nothing.
            _ => 0,
        };
        self.last_at_ns = self.last_at_ns.max(at_ns);
    }

    /// Who wrote the lines.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn learn_root<'a>(&mut self, stacks: impl IntoIterator<Item = &'a Stack>) {
        if self.source_root.is_none() {
            self.source_root = stacks.into_iter().find_map(|stack| stack.source_root.clone());
        }
    }

    /// The folder that the process's relative source paths start from, as its header says, or else one of its stacks.
    #[must_use]
    pub fn source_root(&self) -> Option<&str> {
        self.header.source_root.as_deref().or(self.source_root.as_deref())
    }

    /// The latest state of the runtimes; none before the first snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// Stalls, the lines of each merged, oldest first. Of very many, the newest and the worst.
    pub fn stalls(&self) -> impl DoubleEndedIterator<Item = &StallRecord> + Clone {
        self.stalls.records()
    }

    /// The stall with this id, if it is still kept.
    #[must_use]
    pub fn stall(&self, id: u64) -> Option<&StallRecord> {
        self.stalls.get(id)
    }

    /// Waits over the lag limit, the lines of each merged, oldest first. Of very many, the newest.
    pub fn lags(&self) -> impl DoubleEndedIterator<Item = &Lag> + Clone {
        self.lags.records()
    }

    /// Times when the machine did not run the process, oldest first. Of very many, the newest.
    pub fn pauses(&self) -> impl DoubleEndedIterator<Item = &Pause> + Clone {
        self.pauses.records()
    }

    /// The latest handler latencies.
    #[must_use]
    pub fn handlers(&self) -> Option<&Handlers> {
        self.handlers.as_ref()
    }

    /// The latest list of open sockets.
    #[must_use]
    pub fn sockets(&self) -> Option<&Sockets> {
        self.sockets.as_ref()
    }

    /// How much is recorded of each poll, as last heard.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.snapshot.as_ref().map_or(self.header.mode, |snapshot| snapshot.mode)
    }

    /// The mode that least was recorded in.
    #[must_use]
    pub fn least_mode(&self) -> Mode {
        self.least_mode
    }

    /// Whether some polls were counted by others that were timed: no time of a single poll is certain then, but for stalls.
    #[must_use]
    pub fn estimated(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.untimed > 0) || self.least_mode != Mode::Full
    }

    /// What is not seen in this process.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// What was dropped.
    #[must_use]
    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    /// The most runtimes that were seen alive at one time.
    #[must_use]
    pub fn runtimes(&self) -> usize {
        self.runtimes
    }

    /// The most workers that were seen alive at one time.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Polls seen so far. A stall is a poll too, though its process may have had no time to count it.
    #[must_use]
    pub fn polls(&self) -> u64 {
        let counted = self.snapshot.as_ref().map_or(0, |snapshot| {
            snapshot
                .poll
                .count()
                .max(snapshot.workers.iter().map(|worker| worker.polls).fold(0, u64::saturating_add))
        });
        counted.max(self.stalls.count())
    }

    /// Whether a runtime was watched at work: polls of its tasks were seen, or our own probe was polled; where polls are not
    /// counted, the runtime itself.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        let probed = self.snapshot.as_ref().is_some_and(|snapshot| snapshot.lag.histogram.count() > 0);
        self.polls() > 0 || probed || (self.header.tier == Tier::Sampled && self.runtimes > 0)
    }

    /// When the latest line was written, in nanoseconds since the start.
    #[must_use]
    pub fn last_at_ns(&self) -> u64 {
        self.last_at_ns
    }

    /// How long the process was looked at, in nanoseconds: from its start, or from when a [`Window`] was opened.
    #[must_use]
    pub fn observed_ns(&self) -> u64 {
        self.last_at_ns.saturating_sub(self.first_at_ns)
    }

    /// Whether the process said that it ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Tells that the lines' source ended in the middle of a line.
    pub fn set_cut(&mut self, cut: bool) {
        self.cut = cut;
    }

    /// Whether the lines' source ended in the middle of a line.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Tells that nobody looks on while the process runs on, and that this was wanted: what was to be seen was seen.
    pub fn release(&mut self) {
        self.released = true;
    }

    /// Whether all that was to be seen is known: the process said that it ended, or was let go, and nothing was cut.
    #[must_use]
    pub fn complete(&self) -> bool {
        (self.ended || self.released) && !self.cut
    }

    pub(super) fn stall_store(&self) -> &Stalls {
        &self.stalls
    }

    pub(super) fn pause_store(&self) -> &Pauses {
        &self.pauses
    }

    pub(super) fn lag_store(&self) -> &Lags {
        &self.lags
    }

    pub(super) fn growth(&self) -> &Growth<String> {
        self.spawns.growth()
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }

    pub(super) fn queues(&self) -> &Queues {
        &self.queues
    }

    pub(super) fn unpolled(&self) -> &Kept<Unpolled> {
        &self.unpolled
    }

    pub(super) fn failures(&self) -> &Kept<Failure> {
        &self.failures
    }

    pub(super) fn orphans(&self) -> &Kept<Orphan> {
        &self.orphans
    }

    pub(super) fn pool_waits(&self) -> &Kept<PoolWait> {
        &self.pool_waits
    }
}

/// Lines that found no room in a flight recording; what the process itself tells of its losses leaves them out.
fn left_out(header: &Header) -> u64 {
    header.flight.as_ref().map_or(0, |flight| flight.dropped)
}

/// A list that is empty is as it was.
fn keep<T>(list: &mut Vec<T>, before: &mut Vec<T>) {
    if list.is_empty() {
        std::mem::swap(list, before);
    }
}

/// The one of two modes in which less is recorded.
pub(super) fn less_of(one: Mode, other: Mode) -> Mode {
    let detail = |mode| match mode {
        Mode::Full => 2,
        Mode::Lean => 1,
        _ => 0,
    };
    if detail(other) < detail(one) { other } else { one }
}
