//! Asks running threads for their stacks, without ever waiting for one.

use super::handler::{self, SIGNAL, SLOTS, Snapshot, State, Token};
use super::timer::Timer;
use crate::recorder::{Cell, Open, Registered};
use std::ptr;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How long a signal may take until the thread counts as silent: it may wait for a processor, and the kernel looks at timers
/// with its tick only. The question stands as long as it is asked for: a tick that also ends the thread's turn has it meet
/// the signal in its next one.
const PATIENCE: Duration = Duration::from_millis(20);
/// The kernel's tick, as most systems have it: a thread that runs has answered by then.
const TICK: Duration = Duration::from_millis(4);
/// How long a handler that has begun may take until the buffer is left to it.
const HANDLER_PATIENCE: Duration = Duration::from_secs(2);

/// Why no copy was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    /// The poll, or the thread, had ended.
    Ended,
    /// The thread was not run, or is in the kernel for long.
    Silent,
    /// The kernel refused the timer.
    Refused,
    /// Another handler stands in our place.
    Replaced,
    /// A handler has not come back yet.
    Broken,
}

/// Where a question goes when all slots are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// In the place of one that was asked in vain for long.
    Made,
    /// Nowhere: it waits.
    Left,
}

/// A copy, or why there is none; pending while it is to be asked for again.
pub(super) type Answer = Poll<Result<Snapshot, Missed>>;

/// Asks threads by signal. There is one in the process: the watchdog's.
#[derive(Debug)]
pub(super) struct Signaller {
    /// What was asked last in each slot; none when it is free.
    asked: [Option<Asked>; SLOTS],
}

/// A request that is under way.
#[derive(Debug)]
struct Asked {
    token: Token,
    cell: &'static Cell,
    open: Open,
    since: Instant,
    /// When a handler was first seen to have begun.
    begun: Option<Instant>,
    /// Somebody wanted to know the answer in this round.
    wanted: bool,
    /// Lasts as long as the question.
    _timer: Timer,
}

impl Signaller {
    /// Sets the handler.
    pub(super) fn new() -> Option<Self> {
        handler::set().then(|| Self { asked: [const { None }; SLOTS] })
    }

    /// Whether the thread was asked just now, so that a further look at it tells nothing yet.
    pub(super) fn is_asked(&mut self, target: &Registered, open: Open) -> bool {
        self.slot_of(target).and_then(|slot| self.asked[slot].as_mut()).is_some_and(|asked| {
            asked.wanted = true;
            asked.open == open && asked.token.state() == State::Armed && asked.since.elapsed() < TICK
        })
    }

    /// What a thread has answered, or why it has not; none when it was not asked about `open`, and may be.
    pub(super) fn answer(&mut self, target: &Registered, open: Open) -> Option<Answer> {
        let slot = self.slot_of(target)?;
        let asked = self.asked[slot].as_mut()?;
        let (same, waited) = (asked.open == open, asked.since.elapsed());
        asked.wanted = true;
        let result = match asked.token.state() {
            State::Claimed => {
                asked.begun.get_or_insert_with(Instant::now);
                let answer = if asked.is_broken() { Poll::Ready(Err(Missed::Broken)) } else { Poll::Pending };
                return Some(answer);
            }
            State::Armed if same && waited <= PATIENCE => return Some(Poll::Pending),
            State::Armed if same && handler::stands() => return Some(Poll::Ready(Err(Missed::Silent))),
            State::Armed if !asked.token.withdraw() => return Some(Poll::Pending),
            State::Armed => Err(if same { Missed::Replaced } else { Missed::Ended }),
            State::Idle | State::Done | State::Missed => asked.token.copied().ok_or(Missed::Ended),
        };
        self.asked[slot] = None;
        same.then_some(Poll::Ready(result))
    }

    /// Asks a running thread that is still at `open` for its registers and stack.
    pub(super) fn ask(&mut self, target: &Registered, open: Open, room: Room) -> Answer {
        let Some(slot) = self.free(room) else {
            // The others are asked first, unless none of them will ever answer.
            let all_broken = self.asked.iter().flatten().all(Asked::is_broken);
            return if all_broken { Poll::Ready(Err(Missed::Broken)) } else { Poll::Pending };
        };
        if !handler::stands() {
            return Poll::Ready(Err(Missed::Replaced));
        }
        let token = Token::arm(slot, target, open);
        let Ok(timer) = Timer::set(target.thread.tid, SIGNAL, token.value()) else {
            // Nobody can have claimed it.
            token.withdraw();
            return Poll::Ready(Err(Missed::Refused));
        };
        self.asked[slot] = Some(Asked {
            token,
            cell: target.cell,
            open,
            since: Instant::now(),
            begun: None,
            wanted: true,
            _timer: timer,
        });
        Poll::Pending
    }

    /// The thread does not run any more: it is not asked.
    pub(super) fn forget(&mut self, target: &Registered) {
        if let Some(slot) = self.slot_of(target) {
            self.withdraw(slot);
        }
    }

    fn slot_of(&self, target: &Registered) -> Option<usize> {
        let of_it =
            |asked: &Option<Asked>| asked.as_ref().is_some_and(|asked| ptr::eq(asked.cell, target.cell));
        self.asked.iter().position(of_it)
    }

    /// A slot for a question. Where there is none, room is made by the thread that has been silent for longest.
    fn free(&mut self, room: Room) -> Option<usize> {
        let free = self.asked.iter().position(Option::is_none);
        if room == Room::Left {
            return free;
        }
        free.or_else(|| {
            let asked =
                self.asked.iter().enumerate().filter_map(|(slot, asked)| Some((slot, asked.as_ref()?)));
            let silent = asked
                .filter(|(_, asked)| asked.token.state() == State::Armed && asked.since.elapsed() > PATIENCE);
            let (slot, _) = silent.min_by_key(|(_, asked)| asked.since)?;
            self.withdraw(slot);
            self.asked[slot].is_none().then_some(slot)
        })
    }

    /// Takes a question back, unless a handler has claimed it, which is waited for.
    fn withdraw(&mut self, slot: usize) {
        if self.asked[slot].as_ref().is_some_and(|asked| asked.token.withdraw()) {
            self.asked[slot] = None;
        }
    }

    /// Takes back what nobody has wanted to know since this was called last.
    pub(super) fn end_round(&mut self) {
        for slot in 0..SLOTS {
            let Some(asked) = &mut self.asked[slot] else { continue };
            if !std::mem::replace(&mut asked.wanted, false) {
                self.withdraw(slot);
            }
        }
    }
}

impl Asked {
    /// The handler has begun, and does not come back.
    fn is_broken(&self) -> bool {
        self.begun.is_some_and(|begun| begun.elapsed() > HANDLER_PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::handler::ALONE;
    use crate::capture::thread;
    use crate::engine::lock;
    use crate::recorder::Thread;
    use std::sync::mpsc::{self, TryRecvError};

    /// This thread, at a record, and a signaller.
    fn this_thread() -> (Signaller, Registered, Open) {
        let cell: &'static Cell = Box::leak(Box::new(Cell::new()));
        cell.turn(0, None);
        let thread = Thread { tid: thread::tid(), stack: thread::stack(), ..Thread::default() };
        let target = Registered { cell, generation: cell.generation(), thread };
        (Signaller::new().unwrap(), target, cell.read().unwrap())
    }

    /// What has become of it, without the copy.
    fn of(answer: Answer) -> Poll<Result<(), Missed>> {
        answer.map(|answer| answer.map(drop))
    }

    #[test]
    fn a_question_is_answered_when_the_thread_runs_and_refused_when_it_is_gone() {
        let _alone = lock(&ALONE);
        let (mut signaller, target, open) = this_thread();
        let begun = Instant::now();
        let answer = loop {
            // This thread computes while it asks itself.
            match signaller.answer(&target, open).unwrap_or_else(|| signaller.ask(&target, open, Room::Made))
            {
                Poll::Ready(Err(Missed::Silent)) if begun.elapsed() < HANDLER_PATIENCE => {}
                Poll::Ready(answer) => break answer,
                Poll::Pending => {}
            }
        };
        assert!(answer.is_ok_and(|copy| !copy.bytes.is_empty()));
        let gone = std::thread::spawn(|| this_thread().1).join().unwrap();
        // Joined, it is still on its way out of the kernel.
        while std::fs::exists(format!("/proc/self/task/{}", gone.thread.tid)).unwrap() {
            std::thread::yield_now();
        }
        assert_eq!(of(signaller.ask(&gone, open, Room::Made)), Poll::Ready(Err(Missed::Refused)));
        assert!(signaller.asked.iter().all(Option::is_none));
    }

    /// A thread that waits, and computes once it is let go.
    fn waiting_thread() -> (Registered, Open, mpsc::Sender<()>) {
        let (tell, told) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        std::thread::spawn(move || {
            let (_, target, open) = this_thread();
            tell.send((target, open)).unwrap();
            // Until the sender is gone; the thread of one that never sends computes nothing.
            if wait.recv().is_ok() {
                while wait.try_recv() == Err(TryRecvError::Empty) {}
            }
        });
        let (target, open) = told.recv().unwrap();
        (target, open, go)
    }

    fn backdate(asked: &mut Asked, by: Duration) {
        asked.since = asked.since.checked_sub(by).unwrap();
    }

    #[test]
    fn a_thread_that_is_not_run_stays_asked_until_it_is() {
        let _alone = lock(&ALONE);
        let (mut signaller, _, _) = this_thread();
        let (target, open, go) = waiting_thread();
        assert_eq!(of(signaller.ask(&target, open, Room::Made)), Poll::Pending);
        backdate(signaller.asked[0].as_mut().unwrap(), 2 * PATIENCE);
        for _ in 0..2 {
            assert_eq!(signaller.answer(&target, open).map(of), Some(Poll::Ready(Err(Missed::Silent))));
        }
        go.send(()).unwrap();
        let answer = loop {
            match signaller.answer(&target, open).expect("it stays asked") {
                Poll::Ready(Err(Missed::Silent)) | Poll::Pending => std::thread::sleep(TICK),
                Poll::Ready(answer) => break answer,
            }
        };
        assert!(answer.is_ok_and(|copy| !copy.bytes.is_empty()));
    }

    #[test]
    fn where_all_are_silent_the_first_of_them_makes_room() {
        let _alone = lock(&ALONE);
        let (mut signaller, _, _) = this_thread();
        let silent: [_; SLOTS] = std::array::from_fn(|_| waiting_thread());
        for (target, open, _) in &silent {
            assert_eq!(of(signaller.ask(target, *open, Room::Made)), Poll::Pending);
        }
        let (target, open, _go) = waiting_thread();
        assert_eq!(of(signaller.ask(&target, open, Room::Made)), Poll::Pending);
        assert!(signaller.answer(&target, open).is_none(), "the others are asked first");
        for (slot, asked) in signaller.asked.iter_mut().flatten().enumerate() {
            backdate(asked, PATIENCE * if slot == 3 { 3 } else { 2 });
        }
        assert_eq!(of(signaller.ask(&target, open, Room::Left)), Poll::Pending);
        assert!(signaller.answer(&target, open).is_none(), "no room is made for it");
        assert_eq!(of(signaller.ask(&target, open, Room::Made)), Poll::Pending);
        assert_eq!(signaller.answer(&target, open).map(of), Some(Poll::Pending));
        assert!(signaller.answer(&silent[3].0, silent[3].1).is_none());
        silent.iter().for_each(|(target, ..)| signaller.forget(target));
        signaller.forget(&target);
    }

    #[test]
    fn a_handler_that_does_not_come_back_keeps_its_slot_and_no_other() {
        let _alone = lock(&ALONE);
        let (mut signaller, target, open) = this_thread();
        assert_eq!(of(signaller.ask(&target, open, Room::Made)), Poll::Pending);
        let asked = signaller.asked[0].as_mut().unwrap();
        asked.begun = Instant::now().checked_sub(2 * HANDLER_PATIENCE);
        let token = asked.token;
        token.set_state(State::Claimed);
        assert_eq!(signaller.answer(&target, open).map(of), Some(Poll::Ready(Err(Missed::Broken))));
        assert!(signaller.asked[0].is_some());
        let (_, other, at) = this_thread();
        assert!(signaller.answer(&other, at).is_none());
        assert_eq!(of(signaller.ask(&other, at, Room::Made)), Poll::Pending);
        signaller.forget(&other);
        token.set_state(State::Missed);
        signaller.end_round();
        assert!(signaller.asked[0].is_some(), "it was asked for in this round");
        signaller.end_round();
        assert!(signaller.asked[0].is_none());
    }
}
