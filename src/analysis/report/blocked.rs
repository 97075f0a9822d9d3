use crate::analysis::finding::frames_of;
use crate::analysis::{Cause, Culprit, Frame, History, StallRecord};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Where the time went in which threads were blocked, by stack: what a flame graph is drawn from. Each nanosecond that the
/// code answers for counts once, however many stalls there were and whatever is known of their stacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocked {
    /// Each stack once, the one with most time first. None without time that the code answers for.
    pub stacks: Vec<BlockedStack>,
}

/// The stalls that were seen with the same stack and cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockedStack {
    /// Path of the process's executable.
    pub exe: String,
    /// Whom they accuse.
    pub culprit: Culprit,
    /// Innermost frame first; empty where none is known.
    pub frames: Vec<Frame>,
    /// Index into `frames` of the culprit, where a frame is.
    pub culprit_frame: Option<usize>,
    /// Why: `syscall clock_nanosleep`, `cpu`.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// The time in them that the code answers for, in nanoseconds.
    pub attributable_ns: u64,
}

impl Blocked {
    /// All stalls of these processes. Of very many, those that are no longer kept one by one are counted with the stack of the
    /// worst that the same culprit made.
    #[must_use]
    pub fn of(histories: &[&History]) -> Self {
        let mut stacks: BTreeMap<_, BlockedStack> = BTreeMap::new();
        for history in histories {
            let kept = history.stalls().map(|record| (record, 1, record.attributable_ns()));
            let folded = history.stall_store().folded();
            let folded =
                folded.map(|group| (&*group.worst, group.sums.count, group.sums.attributable_total_ns));
            for (record, count, attributable_ns) in kept.chain(folded).filter(|(.., ns)| *ns > 0) {
                let stack = BlockedStack::new(&history.header().exe, record);
                let known = stacks.entry(stack.key()).or_insert(stack);
                known.count = known.count.saturating_add(count);
                known.attributable_ns = known.attributable_ns.saturating_add(attributable_ns);
            }
        }
        let mut stacks: Vec<_> = stacks.into_values().collect();
        stacks.sort_by_key(|stack| Reverse(stack.attributable_ns));
        Self { stacks }
    }

    /// All of it, in nanoseconds.
    #[must_use]
    pub fn total_ns(&self) -> u64 {
        self.stacks.iter().fold(0, |sum, stack| sum.saturating_add(stack.attributable_ns))
    }
}

impl BlockedStack {
    fn new(exe: &str, record: &StallRecord) -> Self {
        let stall = &record.stall;
        let (frames, culprit_frame) = match &stall.stack {
            Some(stack) => {
                let culprit = stack.culprit.map(|culprit| culprit as usize);
                (frames_of(stack), culprit.filter(|&culprit| culprit < stack.frames.len()))
            }
            None => (Vec::new(), None),
        };
        Self {
            exe: exe.to_owned(),
            culprit: Culprit::of(record),
            frames,
            culprit_frame,
            cause: Cause::from(stall.cause).in_words(stall.syscall.as_deref(), stall.lock.as_deref()),
            count: 0,
            attributable_ns: 0,
        }
    }

    /// What makes two of them one: what is shown of them. Lines other than the culprit's are not.
    fn key(&self) -> (String, Culprit, String, Vec<String>) {
        let frames = self.frames.iter().map(ToString::to_string).collect();
        (self.exe.clone(), self.culprit.clone(), self.cause.clone(), frames)
    }
}
