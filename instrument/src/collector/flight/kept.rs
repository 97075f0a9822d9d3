use super::{ROOM, WINDOW_NS};
use stallscope_wire::{Line, Snapshot};
use std::collections::VecDeque;

/// Snapshots longer than this, in bytes, are kept without their lists too: of many spawn locations a few fill a file.
const LONG: usize = 64 << 10;
const SECOND_NS: u64 = 1_000_000_000;

/// The lines of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Kept {
    lines: VecDeque<Entry>,
    bytes: usize,
    /// Lines that found no room, by the second in which they were written: a few numbers, however many lines there are.
    dropped: VecDeque<(u64, u64)>,
    /// How many of the lines have lists that can go.
    lists: usize,
    /// The last line is the end mark.
    ended: bool,
}

#[derive(Debug)]
struct Entry {
    at_ns: u64,
    text: Box<[u8]>,
    /// The same without what a reader takes from the line before, when that is missing here.
    short: Option<Box<[u8]>>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.text.len() + self.short.as_ref().map_or(0, |short| short.len())
    }
}

impl Kept {
    pub(super) fn push(&mut self, text: &[u8], line: &Line, now_ns: u64) {
        self.ended |= matches!(line, Line::End(_));
        let short = match line {
            Line::Snapshot(snapshot) if text.len() > LONG => Some(without_lists(snapshot).into()),
            _ => None,
        };
        let entry = Entry { at_ns: now_ns, text: text.into(), short };
        self.bytes += entry.bytes();
        self.lists += usize::from(entry.short.is_some());
        self.lines.push_back(entry);
        let begun_ns = now_ns.saturating_sub(WINDOW_NS);
        while self.lines.front().is_some_and(|oldest| oldest.at_ns < begun_ns) {
            self.pop();
        }
        while self.dropped.front().is_some_and(|&(second, _)| second < begun_ns / SECOND_NS) {
            self.dropped.pop_front();
        }
        self.make_room();
    }

    fn pop(&mut self) -> Option<Entry> {
        let oldest = self.lines.pop_front()?;
        self.bytes -= oldest.bytes();
        self.lists -= usize::from(oldest.short.is_some());
        Some(oldest)
    }

    /// First the lists of the older snapshots go, but for those of the newest one; then the oldest lines.
    fn make_room(&mut self) {
        while self.bytes > ROOM {
            let with_lists = || self.lines.iter().position(|entry| entry.short.is_some());
            let oldest = (self.lists > 1).then(with_lists).flatten();
            if let Some(entry) = oldest.and_then(|at| self.lines.get_mut(at)) {
                let before = entry.bytes();
                if let Some(short) = entry.short.take() {
                    entry.text = short;
                }
                self.bytes = self.bytes - before + entry.bytes();
                self.lists -= 1;
            } else if let Some(oldest) = self.pop() {
                let second = oldest.at_ns / SECOND_NS;
                match self.dropped.back_mut() {
                    Some((last, count)) if *last == second => *count += 1,
                    _ => self.dropped.push_back((second, 1)),
                }
            } else {
                return;
            }
        }
    }

    /// The newest lines that fit into this many bytes, oldest first, and how many do not.
    pub(super) fn newest(&self, room: usize) -> (u64, impl Iterator<Item = &[u8]>) {
        let mut left = room;
        let fit = self.lines.iter().rev().take_while(|entry| {
            let fits = entry.text.len() <= left;
            left = left.saturating_sub(entry.text.len());
            fits
        });
        let skipped = self.lines.len() - fit.count();
        (skipped as u64, self.lines.iter().skip(skipped).map(|entry| &*entry.text))
    }

    /// Lines of the last seconds that found no room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }

    /// Whether the process has said that it ends.
    pub(super) fn ends(&self) -> bool {
        self.ended
    }
}

fn without_lists(snapshot: &Snapshot) -> Vec<u8> {
    let (locations, watched) = (Vec::new(), Vec::new());
    let short = Snapshot {
        locations,
        watched,
        runtimes: snapshot.runtimes.clone(),
        workers: snapshot.workers.clone(),
        poll: snapshot.poll.clone(),
        lag: snapshot.lag.clone(),
        schedule: snapshot.schedule.clone(),
        ..*snapshot
    };
    Line::Snapshot(short).encode()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Location, Stall};

    fn push(kept: &mut Kept, line: &Line, second: u64) {
        kept.push(&line.encode(), line, second * SECOND_NS);
    }

    fn snapshot(second: u64, locations: usize) -> Line {
        let location =
            |at: usize| Location { spawned_at: format!("src/main.rs:{at}:9"), ..Location::default() };
        let locations = (0..locations).map(location).collect();
        Line::Snapshot(Snapshot { at_ns: second * SECOND_NS, locations, ..Snapshot::default() })
    }

    fn lines(kept: &Kept, room: usize) -> Vec<Line> {
        kept.newest(room).1.map(|text| Line::decode(text).unwrap()).collect()
    }

    #[test]
    fn the_last_seconds_are_kept() {
        let mut kept = Kept::default();
        for second in 0..100 {
            push(&mut kept, &snapshot(second, 0), second);
        }
        let kept = lines(&kept, ROOM);
        assert_eq!((kept.len(), &kept[0]), (31, &snapshot(69, 0)));
    }

    #[test]
    fn of_many_spawn_locations_the_newest_list_is_kept_and_every_state() {
        let mut kept = Kept::default();
        for second in 0..30 {
            push(&mut kept, &snapshot(second, 5_000), second);
        }
        assert!(kept.bytes <= ROOM, "{}", kept.bytes);
        let told: Vec<_> = lines(&kept, ROOM)
            .into_iter()
            .map(|line| match line {
                Line::Snapshot(snapshot) => snapshot.locations.len(),
                _ => panic!("only snapshots were written"),
            })
            .collect();
        assert_eq!((told.len(), told[0], told[29], kept.dropped()), (30, 0, 5_000, 0));
    }

    #[test]
    fn what_finds_no_room_is_counted_and_the_newest_stays() {
        let mut kept = Kept::default();
        let stall = |id| Line::Stall(Stall { id, syscall: Some("x".repeat(400_000)), ..Stall::default() });
        for id in 0..20 {
            push(&mut kept, &stall(id), 1);
        }
        let there = lines(&kept, ROOM);
        assert_eq!(there.len() as u64 + kept.dropped(), 20);
        assert_eq!(there.last(), Some(&stall(19)));
        assert_eq!(lines(&kept, 500_000), [stall(19)]);
        assert_eq!(kept.newest(500_000).0, there.len() as u64 - 1);
        push(&mut kept, &stall(20), 40);
        assert_eq!(kept.dropped(), 0, "of those that are too old nothing is missed");
    }
}
