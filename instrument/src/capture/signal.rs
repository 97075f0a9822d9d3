//! Asks running threads for their stacks, without ever waiting for one.

use super::handler::{self, SIGNAL, SLOTS, Snapshot, State, Token};
use super::timer::Timer;
use crate::recorder::{Cell, Open, Registered};
use std::ptr;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How long a signal may take until it is given up: the thread may wait for a processor, and the kernel looks at timers with
/// its tick only.
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
    /// Lasts as long as the question.
    _timer: Timer,
}

impl Signaller {
    /// Sets the handler.
    pub(super) fn new() -> Option<Self> {
        handler::set().then(|| Self { asked: [const { None }; SLOTS] })
    }

    /// Whether the thread was asked just now, so that a further look at it tells nothing yet.
    pub(super) fn is_asked(&self, target: &Registered, open: Open) -> bool {
        self.slot_of(target).and_then(|slot| self.asked[slot].as_ref()).is_some_and(|asked| {
            asked.open == open && asked.token.state() == State::Armed && asked.since.elapsed() < TICK
        })
    }

    /// What a thread has answered, or why it has not; none when it was not asked about `open`, and may be.
    pub(super) fn answer(&mut self, target: &Registered, open: Open) -> Option<Answer> {
        self.give_up_late();
        let slot = self.slot_of(target)?;
        let asked = self.asked[slot].as_ref()?;
        let (same, waited) = (asked.open == open, asked.since.elapsed());
        let result = match asked.token.state() {
            State::Claimed if waited > HANDLER_PATIENCE => return Some(Poll::Ready(Err(Missed::Broken))),
            State::Claimed => return Some(Poll::Pending),
            State::Armed if same && waited <= PATIENCE => return Some(Poll::Pending),
            State::Armed if !asked.token.withdraw() => return Some(Poll::Pending),
            State::Armed => Err(Missed::Silent),
            State::Idle | State::Done | State::Missed => asked.token.copied().ok_or(Missed::Ended),
        };
        self.asked[slot] = None;
        same.then_some(Poll::Ready(result))
    }

    /// Asks a running thread that is still at `open` for its registers and stack.
    pub(super) fn ask(&mut self, target: &Registered, open: Open) -> Answer {
        let Some(slot) = self.asked.iter().position(Option::is_none) else {
            // The others are asked first, unless none of them will ever answer.
            let all_broken =
                self.asked.iter().flatten().all(|asked| asked.since.elapsed() > HANDLER_PATIENCE);
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
        self.asked[slot] =
            Some(Asked { token, cell: target.cell, open, since: Instant::now(), _timer: timer });
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

    /// Takes a question back, unless a handler has claimed it, which is waited for.
    fn withdraw(&mut self, slot: usize) {
        if self.asked[slot].as_ref().is_some_and(|asked| asked.token.withdraw()) {
            self.asked[slot] = None;
        }
    }

    /// Takes back what nobody has asked for again.
    fn give_up_late(&mut self) {
        for slot in 0..SLOTS {
            if self.asked[slot].as_ref().is_some_and(|asked| asked.since.elapsed() > 2 * PATIENCE) {
                self.withdraw(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::handler::ALONE;
    use crate::capture::thread;
    use crate::engine::lock;
    use crate::recorder::Thread;

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
    fn a_question_is_answered_when_the_thread_runs_and_given_up_when_it_does_not() {
        let _alone = lock(&ALONE);
        let (mut signaller, target, open) = this_thread();
        let begun = Instant::now();
        let answer = loop {
            // This thread computes while it asks itself.
            match signaller.answer(&target, open).unwrap_or_else(|| signaller.ask(&target, open)) {
                Poll::Ready(Err(Missed::Silent)) if begun.elapsed() < HANDLER_PATIENCE => {}
                Poll::Ready(answer) => break answer,
                Poll::Pending => {}
            }
        };
        assert!(answer.is_ok_and(|copy| !copy.bytes.is_empty()));
        let gone = std::thread::spawn(|| this_thread().1).join().unwrap();
        assert_eq!(of(signaller.ask(&gone, open)), Poll::Ready(Err(Missed::Refused)));
        assert!(signaller.asked.iter().all(Option::is_none));
    }

    #[test]
    fn a_handler_that_does_not_come_back_keeps_its_slot_and_no_other() {
        let _alone = lock(&ALONE);
        let (mut signaller, target, open) = this_thread();
        assert_eq!(of(signaller.ask(&target, open)), Poll::Pending);
        let asked = signaller.asked[0].as_mut().unwrap();
        asked.since = Instant::now().checked_sub(2 * HANDLER_PATIENCE).unwrap();
        let token = asked.token;
        token.set_state(State::Claimed);
        assert_eq!(signaller.answer(&target, open).map(of), Some(Poll::Ready(Err(Missed::Broken))));
        assert!(signaller.asked[0].is_some());
        let (_, other, at) = this_thread();
        assert!(signaller.answer(&other, at).is_none());
        assert_eq!(of(signaller.ask(&other, at)), Poll::Pending);
        signaller.forget(&other);
        token.set_state(State::Missed);
        signaller.give_up_late();
        assert!(signaller.asked[0].is_none());
    }
}
