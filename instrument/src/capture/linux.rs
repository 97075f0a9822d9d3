//! Capture on x86_64 Linux.

pub(crate) use super::syscall::{CallReader, Place, Reading, Waiting};

use super::blind::Blind;
use super::handler::SIGNAL;
use super::signal::{Missed, Room, Signaller};
use super::status::{self, Status};
use super::syscall;
use super::unwind::{StackCopy, StackUnwinder};
use super::{Activity, Captured, RawStack, memory};
use crate::recorder::{Open, Registered};
use stallscope_wire::Gap;
use std::collections::HashMap;
use std::ptr;
use std::task::Poll;

/// How much stack of a thread in a system call is read at most: more than a signal copies, since nobody waits for it.
const READ_LIMIT: u64 = 1 << 20;
/// How often a capture is tried when the thread moves meanwhile.
const TRIES: u32 = 4;
/// So many captures in a row that found the signal blocked are no handler of the app's that came and went, as a profiler's does.
const MASKED: u32 = 4;

/// Captures stacks. There is one in the process: the watchdog's.
pub(crate) struct Capturer {
    signaller: Signaller,
    unwinder: StackUnwinder,
    /// By the address of its cell.
    met: HashMap<usize, Met>,
    /// Why the last stack was not to be had.
    blind: Option<Blind>,
    /// What was told.
    told: Vec<Blind>,
    untold: Vec<Gap>,
}

/// A thread as it was when it was met.
struct Met {
    generation: u32,
    status: Status,
    /// How many captures in a row have found the signal blocked since.
    masked: u32,
}

/// What a capture has come to.
enum Outcome {
    Stack(RawStack),
    /// The thread has moved on meanwhile, or its stack makes no sense.
    Again,
    /// No stack is to be had now.
    Nothing,
    /// The thread has not run to answer.
    Silence,
    /// Its poll has ended, or the stack is on its way.
    Later,
}

impl Capturer {
    /// Sets the signal handler and reads the list of modules.
    pub(crate) fn new() -> Result<Self, CaptureUnavailable> {
        let signaller = Signaller::new().ok_or(CaptureUnavailable)?;
        let unwinder = StackUnwinder::new();
        let met = HashMap::new();
        Ok(Self { signaller, unwinder, met, blind: None, told: Vec::new(), untold: Vec::new() })
    }

    /// Remembers how a thread is while it does nothing special.
    pub(crate) fn meet(&mut self, target: &Registered) {
        if let Some(status) = status::read(target.thread.tid) {
            let met = Met { generation: target.generation, status, masked: 0 };
            self.met.insert(ptr::from_ref(target.cell).addr(), met);
        }
    }

    /// The stack of a thread that is at `open`; none when it is no longer, or when the stack is on its way and to be asked for
    /// again soon. Without a stack when none could be had.
    pub(crate) fn capture(&mut self, target: &Registered, open: Open) -> Option<Captured> {
        self.capture_if(target, open, Room::Made)
    }

    /// The same of a thread that blocks nobody: it is asked when no other is.
    pub(crate) fn capture_idly(&mut self, target: &Registered, open: Open) -> Option<Captured> {
        self.capture_if(target, open, Room::Left)
    }

    /// Ends a round of looks: whoever was not looked at in it is asked no more.
    pub(crate) fn end_round(&mut self) {
        self.signaller.end_round();
    }

    fn capture_if(&mut self, target: &Registered, open: Open, room: Room) -> Option<Captured> {
        if self.signaller.is_asked(target, open) {
            return None;
        }
        let (mut activity, mut silent) = (Activity::Unknown, false);
        self.blind = None;
        for _ in 0..TRIES {
            let outcome = match syscall::read(target.thread.tid) {
                Reading::Waiting(waiting) => {
                    activity = waiting.activity();
                    self.signaller.forget(target);
                    self.read_waiting(target, waiting).map_or(Outcome::Again, Outcome::Stack)
                }
                Reading::Running => {
                    activity = Activity::Running;
                    self.copy_running(target, open, room)
                }
                Reading::Unreadable => {
                    let runs = status::read(target.thread.tid).is_some_and(|status| status.runs);
                    self.blind = (!runs).then_some(Blind::Calls);
                    activity = if runs { Activity::Running } else { Activity::Unknown };
                    if runs { self.copy_running(target, open, room) } else { Outcome::Nothing }
                }
            };
            if !target.cell.is_at(open) || target.cell.generation() != target.generation {
                return None;
            }
            match outcome {
                Outcome::Stack(stack) => {
                    return Some(Captured { stack: Some(stack), activity, silent: false });
                }
                Outcome::Again => {}
                Outcome::Nothing => break,
                Outcome::Silence => {
                    silent = true;
                    break;
                }
                Outcome::Later => return None,
            }
        }
        if let Some(blind) = self.blind
            && !self.told.contains(&blind)
        {
            self.told.push(blind);
            self.untold.push(blind.gap());
        }
        Some(Captured { stack: None, activity, silent })
    }

    /// What was found to be out of sight since this was asked last.
    pub(crate) fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.untold)
    }

    fn read_waiting(&mut self, target: &Registered, waiting: Waiting) -> Option<RawStack> {
        let (low, high) = target.thread.stack;
        let from = waiting.stack_pointer;
        if !(low..high).contains(&from) {
            return None;
        }
        let mut bytes = vec![0; (high - from).min(READ_LIMIT) as usize];
        let read = memory::read(from, &mut bytes);
        bytes.truncate(read);
        if syscall::read(target.thread.tid) != Reading::Waiting(waiting) {
            return None;
        }
        self.blind = bytes.is_empty().then_some(Blind::Memory);
        self.unwinder.unwind(&StackCopy {
            instruction: waiting.instruction,
            stack_pointer: from,
            frame_pointer: None,
            bytes,
            stack_high: high,
        })
    }

    fn copy_running(&mut self, target: &Registered, open: Open, room: Room) -> Outcome {
        // An answer that is there is taken as it is: a thread that is in our handler now blocks all signals, too.
        let answer = match self.signaller.answer(target, open) {
            Some(answer) if !matches!(answer, Poll::Ready(Err(Missed::Silent))) => answer,
            silent => {
                let Some(status) = status::read(target.thread.tid) else { return Outcome::Nothing };
                let met = self.met.get_mut(&ptr::from_ref(target.cell).addr());
                let mut met = met.filter(|met| met.generation == target.generation);
                let takes = status.takes(SIGNAL, met.as_ref().map(|met| met.status));
                let masked = met.as_mut().map(|met| {
                    met.masked = if takes { 0 } else { met.masked + 1 };
                    met.masked
                });
                if !takes {
                    self.signaller.forget(target);
                    self.blind = masked.is_none_or(|times| times >= MASKED).then_some(Blind::Masked);
                    return Outcome::Nothing;
                }
                silent.unwrap_or_else(|| self.signaller.ask(target, open, room))
            }
        };
        let copy = match answer {
            Poll::Pending | Poll::Ready(Err(Missed::Ended)) => return Outcome::Later,
            Poll::Ready(Ok(copy)) => copy,
            Poll::Ready(Err(missed)) => {
                self.blind = match missed {
                    Missed::Replaced => Some(Blind::Replaced),
                    Missed::Refused => Some(Blind::Refused),
                    Missed::Ended | Missed::Silent | Missed::Broken => None,
                };
                return if missed == Missed::Silent { Outcome::Silence } else { Outcome::Nothing };
            }
        };
        let stack = self.unwinder.unwind(&StackCopy {
            instruction: copy.instruction,
            stack_pointer: copy.stack_pointer,
            frame_pointer: Some(copy.frame_pointer),
            bytes: copy.bytes,
            stack_high: target.thread.stack.1,
        });
        stack.map_or(Outcome::Nothing, Outcome::Stack)
    }
}

/// Why there are no stacks.
#[derive(Debug)]
pub(crate) struct CaptureUnavailable;

impl std::fmt::Display for CaptureUnavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the signal handler that copies a running thread's stack cannot be set")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::handler::ALONE;
    use crate::capture::thread;
    use crate::engine::lock;
    use crate::recorder::{Cell, Thread};
    use stallscope_wire::Quality;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Captures a thread that runs `body` until it is told to stop.
    fn captured(body: impl FnOnce(&AtomicBool) + Send + 'static) -> Captured {
        let _alone = lock(&ALONE);
        let cell: &'static Cell = Box::leak(Box::new(Cell::new()));
        let stop: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let (send, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            cell.turn(0, None);
            let (tid, stack) = (thread::tid(), thread::stack());
            send.send(Thread { tid, stack, ..Thread::default() }).unwrap();
            body(stop);
        });
        let target = Registered { cell, generation: cell.generation(), thread: told.recv().unwrap() };
        std::thread::sleep(Duration::from_millis(50));
        let mut capturer = Capturer::new().unwrap();
        let captured = loop {
            match capturer.capture(&target, cell.read().expect("the thread is still at its record")) {
                Some(Captured { stack: None, .. }) | None => std::thread::sleep(Duration::from_millis(1)),
                Some(captured) => break captured,
            }
        };
        stop.store(true, Relaxed);
        thread.join().unwrap();
        captured
    }

    #[test]
    fn a_thread_in_a_system_call_is_read_from_outside() {
        let captured = captured(|stop| {
            while !stop.load(Relaxed) {
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        assert!(matches!(captured.activity, Activity::Syscall(call) if call.name == Some("clock_nanosleep")));
        assert_eq!(captured.stack.expect("a stack is captured").quality, Quality::Exact);
    }

    #[test]
    fn a_running_thread_is_copied() {
        let captured = captured(|stop| while !stop.load(Relaxed) {});
        assert_eq!(captured.activity, Activity::Running);
        assert_eq!(captured.stack.expect("a stack is captured").quality, Quality::Exact);
    }
}
