//! Capture on x86_64 Linux.

pub(crate) use super::syscall::{CallReader, Place, Reading, Waiting};

use super::signal::{Missed, Signaller};
use super::syscall;
use super::unwind::{StackCopy, StackUnwinder};
use super::{Activity, Captured, RawStack, memory};
use crate::recorder::{Open, Registered};

/// How much stack of a thread in a system call is read at most: more than a signal copies, since nobody waits for it.
const READ_LIMIT: u64 = 1 << 20;
/// How often a capture is tried when the thread moves meanwhile.
const TRIES: u32 = 4;

/// Captures stacks. There is one in the process: the watchdog's.
pub(crate) struct Capturer {
    signaller: Signaller,
    unwinder: StackUnwinder,
}

impl Capturer {
    /// Sets the signal handler and reads the list of modules.
    pub(crate) fn new() -> Result<Self, CaptureUnavailable> {
        let signaller = Signaller::new().ok_or(CaptureUnavailable)?;
        Ok(Self { signaller, unwinder: StackUnwinder::new() })
    }

    /// The stack of a thread that is at `open`; none when it is no longer. Without a stack when none could be had.
    pub(crate) fn capture(&mut self, target: &Registered, open: Open) -> Option<Captured> {
        let mut activity = Activity::Unknown;
        for _ in 0..TRIES {
            let reading = syscall::read(target.thread.tid);
            let stack = match reading {
                Reading::Waiting(waiting) => {
                    activity = waiting.activity();
                    self.read_waiting(target, waiting)
                }
                Reading::Running => {
                    activity = Activity::Running;
                    match self.copy_running(target, open) {
                        Ok(stack) => stack,
                        Err(Missed::Ended) => return None,
                        // What is running now may be in a system call by the next try.
                        Err(Missed::Silent | Missed::Moved | Missed::Replaced | Missed::Broken) => None,
                    }
                }
                Reading::Unreadable => None,
            };
            if !target.cell.is_at(open) || target.cell.generation() != target.generation {
                return None;
            }
            if stack.is_some() {
                return Some(Captured { stack, activity });
            }
        }
        Some(Captured { stack: None, activity })
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
        self.unwinder.unwind(&StackCopy {
            instruction: waiting.instruction,
            stack_pointer: from,
            frame_pointer: None,
            bytes,
            stack_high: high,
        })
    }

    fn copy_running(&mut self, target: &Registered, open: Open) -> Result<Option<RawStack>, Missed> {
        let copy =
            self.signaller.copy(target, open, || syscall::read(target.thread.tid) == Reading::Running)?;
        Ok(self.unwinder.unwind(&StackCopy {
            instruction: copy.instruction,
            stack_pointer: copy.stack_pointer,
            frame_pointer: Some(copy.frame_pointer),
            bytes: copy.bytes,
            stack_high: target.thread.stack.1,
        }))
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
    use crate::capture::signal::ALONE;
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
        let captured = Capturer::new().unwrap().capture(&target, cell.read().unwrap());
        stop.store(true, Relaxed);
        thread.join().unwrap();
        captured.expect("the thread is still at its record")
    }

    #[test]
    fn a_thread_in_a_system_call_is_read_from_outside() {
        let captured = captured(|_| std::thread::sleep(Duration::from_millis(300)));
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
