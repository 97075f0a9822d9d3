//! What live readers that come late are told of the time before.

use stallscope_wire::{Cause, Earlier, EarlierStalls, Frame, Line, Phase, Stack, Stall};
use std::collections::VecDeque;

/// Stalls that are remembered one by one.
const STALLS: usize = 128;
/// Culprits of older ones that are told apart.
const CULPRITS: usize = 32;
/// Lines that are remembered of each other kind.
const LINES: usize = 256;

/// What was blocked, and what was lost. Of many stalls the newest are remembered as they were told last; of the others,
/// how many there were by culprit.
#[derive(Debug, Default)]
pub(super) struct Past {
    threshold_ns: u64,
    stalls: VecDeque<Stall>,
    earlier: Earlier,
    /// No stall up to this one that is not among the remembered is another than those that were counted.
    counted_to: u64,
    /// Many of one kind do not drive out the other.
    pools: VecDeque<Vec<u8>>,
    losses: VecDeque<Vec<u8>>,
}

impl Past {
    pub(super) fn new(threshold_ns: u64) -> Self {
        Self { threshold_ns, ..Self::default() }
    }

    /// Takes a line, and what it is as text.
    pub(super) fn note(&mut self, text: &[u8], line: &Line) {
        let lines = match line {
            Line::Stall(stall) => return self.note_stall(stall),
            Line::Pool(_) => &mut self.pools,
            Line::Unpolled(_) | Line::Failure(_) | Line::Orphan(_) => &mut self.losses,
            _ => return,
        };
        lines.push_back(text.to_vec());
        lines.drain(..lines.len().saturating_sub(LINES));
    }

    /// All of it as lines.
    pub(super) fn tell(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if !self.earlier.stalls.is_empty() {
            text.extend(Line::Earlier(self.earlier.clone()).encode());
        }
        self.stalls.iter().for_each(|stall| text.extend(Line::Stall(stall.clone()).encode()));
        text.extend(self.pools.iter().chain(&self.losses).flatten());
        text
    }

    fn note_stall(&mut self, stall: &Stall) {
        let known = self.stalls.iter().rposition(|known| known.id == stall.id);
        match known {
            Some(at) if stall.phase == Phase::Dismissed => drop(self.stalls.remove(at)),
            Some(at) => {
                let mut stall = stall.clone();
                let known = &mut self.stalls[at];
                stall.stack = Stack::more_telling(known.stack.take(), stall.stack);
                stall.task = stall.task.or(known.task.take());
                *known = stall;
            }
            // Who waited behind it is told when it is long over: it is counted already.
            None if stall.phase == Phase::Dismissed || stall.id <= self.counted_to => {}
            None => self.stalls.push_back(stall.clone()),
        }
        if self.stalls.len() > STALLS {
            let over = self.stalls.iter().position(|stall| stall.phase == Phase::End).unwrap_or(0);
            if let Some(stall) = self.stalls.remove(over) {
                self.count(stall);
            }
        }
    }

    fn count(&mut self, mut stall: Stall) {
        let threshold_ns = self.threshold_ns;
        self.counted_to = self.counted_to.max(stall.id);
        self.earlier.at_ns = self.earlier.at_ns.max(stall.at_ns);
        let groups = &mut self.earlier.stalls;
        let alike = |group: &EarlierStalls, stall: &Stall| is_alike(&group.worst, stall, threshold_ns);
        if !groups.iter().any(|group| alike(group, &stall)) && groups.len() >= CULPRITS {
            // The place of one must not stand for others; that something was seen of it stays.
            stall.stack = stall.stack.map(|_| Stack::default());
            (stall.task, stall.serving) = (None, None);
        }
        let group = groups.iter().position(|group| alike(group, &stall));
        let one = EarlierStalls::of(stall, threshold_ns);
        match group {
            Some(at) => groups[at].merge(one),
            None => groups.push(one),
        }
    }
}

/// Whether both have the same culprit, were met in the same route, and the same is to be said of them.
fn is_alike(one: &Stall, other: &Stall, threshold_ns: u64) -> bool {
    let kind = |stall: &Stall| {
        let by_host = stall.cause == Cause::Host || stall.lacks_evidence();
        (by_host, stall.is_probable(), stall.is_allowed(threshold_ns))
    };
    kind(one) == kind(other) && place(one) == place(other) && route(one) == route(other)
}

/// Of the request that was served.
fn route(stall: &Stall) -> Option<&str> {
    stall.serving.as_ref().map(|serving| serving.route.as_str())
}

/// The line that a stall accuses, or the code without one; else where its task was spawned.
fn place(stall: &Stall) -> Place<'_> {
    let frame = stall.stack.as_ref().and_then(Stack::culprit_frame);
    match (frame, &stall.task) {
        (Some(Frame { file: Some(file), line: Some(line), .. }), _) => Place::Line(file, *line),
        (Some(frame), _) => Place::Code(frame.function.as_deref(), frame.offset),
        (None, Some(task)) => Place::Task(&task.spawned_at),
        (None, None) => Place::Unknown,
    }
}

#[derive(PartialEq, Eq)]
enum Place<'a> {
    Line(&'a str, u32),
    Code(Option<&'a str>, u64),
    Task(&'a str),
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Certainty, Evidence, Failure, Reader, Serving};

    const MS: u64 = 1_000_000;

    fn stall(id: u64, line: u32, lasted_ms: u64) -> [Line; 2] {
        let frame = Frame { file: Some("a.rs".into()), line: Some(line), ..Frame::default() };
        let stack = Stack { culprit: Some(0), frames: vec![frame], ..Stack::default() };
        let told = |phase, stack| {
            Line::Stall(Stall {
                id,
                phase,
                stack,
                started_ns: id * 1_000 * MS,
                duration_ns: lasted_ms * MS,
                attributable_ns: lasted_ms * MS,
                ..Stall::default()
            })
        };
        [told(Phase::Begin, Some(stack)), told(Phase::End, None)]
    }

    fn past(lines: impl IntoIterator<Item = Line>) -> Past {
        let mut past = Past::new(100 * MS);
        lines.into_iter().for_each(|line| past.note(&line.encode(), &line));
        past
    }

    fn told(past: &Past) -> Vec<Line> {
        let mut text = Line::Header(stallscope_wire::Header::default()).encode();
        text.extend(past.tell());
        let mut reader = Reader::new(&text[..]).expect("a header");
        std::iter::from_fn(|| reader.next_line().expect("lines")).collect()
    }

    #[test]
    fn what_is_no_longer_remembered_is_counted_by_culprit() {
        let many = 3 * STALLS as u64;
        let lines = told(&past((1..=many).flat_map(|id| stall(id, (id % 2) as u32, 100 + id))));
        let Line::Earlier(earlier) = &lines[0] else { panic!("{:?}", lines[0]) };
        let forgotten = many - STALLS as u64;
        assert_eq!(lines.len(), 1 + STALLS);
        assert_eq!(
            earlier.stalls.iter().map(|of| (of.count, of.over)).collect::<Vec<_>>(),
            [(forgotten / 2, forgotten / 2); 2]
        );
        let lasted: u64 = earlier.stalls.iter().map(|of| of.attributable_ns).sum();
        assert_eq!(lasted, (1..=forgotten).map(|id| (100 + id) * MS).sum::<u64>());
        assert_eq!(earlier.stalls[0].first_ns, 1_000 * MS);
        assert_eq!(earlier.stalls[1].worst.id, forgotten, "the longest");
        let Line::Stall(first) = &lines[1] else { panic!("{:?}", lines[1]) };
        assert_eq!((first.id, first.phase), (forgotten + 1, Phase::End));
        assert!(first.stack.is_some(), "its end is told with where it was");
    }

    #[test]
    fn a_stall_that_goes_on_is_not_forgotten_and_none_is_counted_twice() {
        let [begun, _] = stall(1, 7, 100);
        let others = (2..=2 + STALLS as u64).flat_map(|id| stall(id, 8, 100));
        let [_, again] = stall(2, 8, 100);
        let lines = told(&past([begun.clone()].into_iter().chain(others).chain([again])));
        let Line::Earlier(earlier) = &lines[0] else { panic!("{:?}", lines[0]) };
        assert_eq!(earlier.stalls.iter().map(|of| of.count).sum::<u64>(), 2);
        assert_eq!(lines[1], begun);
        assert_eq!(lines.len(), 1 + STALLS);
    }

    #[test]
    fn a_process_that_blocks_everywhere_takes_no_more_room() {
        let lines = told(&past((1..=1_000).flat_map(|id| stall(id, id as u32, 100))));
        let Line::Earlier(earlier) = &lines[0] else { panic!("{:?}", lines[0]) };
        assert_eq!(earlier.stalls.len(), CULPRITS + 1);
        assert_eq!(earlier.stalls.iter().map(|of| of.count).sum::<u64>(), 1_000 - STALLS as u64);
        assert_eq!(earlier.stalls[CULPRITS].worst.stack, Some(Stack::default()));
    }

    #[test]
    fn what_is_told_together_is_alike() {
        let [_, Line::Stall(one)] = stall(1, 7, 100) else { unreachable!("they are stalls") };
        let evidence = Evidence { run_queue_ns: one.duration_ns, ..Evidence::default() };
        let serving = |route: &str| Some(Serving { route: route.to_owned(), ..Serving::default() });
        let others = [
            Stall { draft: true, ..one.clone() },
            Stall { certainty: Certainty::Probable, ..one.clone() },
            Stall { evidence, ..one.clone() },
            Stall { serving: serving("GET /a"), ..one.clone() },
            Stall { serving: serving("GET /b"), ..one.clone() },
        ];
        for other in &others {
            assert!(!is_alike(&one, other, 100 * MS) && is_alike(other, other, 100 * MS), "{other:?}");
        }
        assert!(is_alike(&others[0], &others[1], 100 * MS), "neither counts");
        assert!(!is_alike(&others[3], &others[4], 100 * MS));
    }

    #[test]
    fn what_was_none_after_all_is_not_told() {
        let [begun, _] = stall(1, 7, 100);
        let dismissed = Line::Stall(Stall { id: 1, phase: Phase::Dismissed, ..Stall::default() });
        assert_eq!(told(&past([begun, dismissed])), []);
    }

    #[test]
    fn many_losses_do_not_drive_out_what_was_blocked() {
        let losses: Vec<_> =
            (0..2 * LINES as u64).map(|task| Line::Failure(Failure { task, ..Failure::default() })).collect();
        let lines = told(&past(stall(1, 7, 100).into_iter().chain(losses.clone())));
        assert_eq!(lines.len(), 1 + LINES);
        assert_eq!(lines[1..], losses[LINES..]);
    }
}
