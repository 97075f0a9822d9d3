//! What a thread last panicked with, noted by a hook that runs before the app's own.

use super::failure::{MESSAGE, cut, tell_line};
use crate::collector::Message;
use crate::{clock, engine, recorder};
use stallscope_wire::{Certainty, Failure, Gap, How};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{Location, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Bytes of a path that are kept: its end.
const FILE: usize = 240;

/// Our hook has run in this process.
static HOOKED: AtomicBool = AtomicBool::new(false);
static TOLD: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// No destructor and no allocation: a thread may panic at any time.
    static LAST: RefCell<Note> = const { RefCell::new(Note::none()) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// A panic of this thread's. Nothing here is allocated.
struct Note {
    /// When, in ticks; 0 for none.
    at: u64,
    /// The record that the hooks had open then: its version and the task.
    version: u64,
    task: u64,
    message: Text<MESSAGE>,
    file: Text<FILE>,
    line: u32,
    column: u32,
}

impl Note {
    const fn none() -> Self {
        Self { at: 0, version: 0, task: 0, message: Text::none(), file: Text::none(), line: 0, column: 0 }
    }

    fn place(&self) -> String {
        format!("{}:{}:{}", self.file.get(), self.line, self.column)
    }
}

/// Text in a place of fixed size.
struct Text<const SIZE: usize> {
    length: usize,
    bytes: [u8; SIZE],
}

impl<const SIZE: usize> Text<SIZE> {
    const fn none() -> Self {
        Self { length: 0, bytes: [0; SIZE] }
    }

    /// Takes a text that is short enough.
    fn set(&mut self, text: &str) {
        self.length = text.len();
        self.bytes[..text.len()].copy_from_slice(text.as_bytes());
    }

    fn get(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Puts our hook before the one that is set.
pub(crate) fn watch() {
    // Neither can be done while the thread panics, as where a runtime is built in a destructor.
    if std::thread::panicking() {
        return;
    }
    let theirs = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        note(info);
        theirs(info);
    }));
}

fn note(info: &PanicHookInfo<'_>) {
    HOOKED.store(true, Relaxed);
    let open = recorder::own_record();
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    // Inaccessible only while the thread ends, or if this code panicked itself.
    let _ = LAST.try_with(|last| {
        let Ok(mut last) = last.try_borrow_mut() else { return };
        last.at = clock::ticks();
        (last.version, last.task) = open.map_or((0, 0), |open| (open.version, open.task));
        last.message.set(cut(message(info.payload()), MESSAGE));
        let (file, line, column) =
            info.location().map_or(("", 0, 0), |place| (place.file(), place.line(), place.column()));
        last.file.set(end_of(file));
        (last.line, last.column) = (line, column);
    });
}

/// As much of a path as is kept.
fn end_of(file: &str) -> &str {
    let from = (file.len().saturating_sub(FILE)..=file.len()).find(|&from| file.is_char_boundary(from));
    &file[from.unwrap_or(file.len())..]
}

/// What a panic says.
pub(super) fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a value that is no text")
}

/// How often this thread has panicked.
#[inline]
pub(super) fn count() -> u64 {
    COUNT.try_with(Cell::get).unwrap_or(0)
}

/// Where this thread panicked with this message since it had panicked `before` times, `file:line:column`. None for a panic that is passed on from elsewhere,
/// which no hook is told of.
pub(super) fn take(before: u64, message: &str) -> Option<String> {
    let fits = |note: &Note| count() > before && note.message.get() == cut(message, MESSAGE);
    let place = LAST.try_with(|last| {
        let mut last = last.try_borrow_mut().ok()?;
        let place = (last.at != 0 && fits(&last)).then(|| last.place());
        last.at = 0;
        place
    });
    let place = place.ok().flatten();
    if place.is_none() && !HOOKED.load(Relaxed) && !TOLD.swap(true, Relaxed) {
        let gap = Gap::new(
            "where tasks panic: the app has replaced Stallscope's panic hook, or panics without calling any",
            "set the app's own panic hook before the runtime is built",
        );
        if let Some(engine) = engine::engine() {
            engine.send(Message::Gap(gap));
        }
    }
    place
}

/// A task of tokio's own `spawn` has ended in the record that is open. If this thread panicked in it, that may have ended the task, and
/// whether somebody awaits it is not known.
#[cfg(tokio_unstable)]
#[inline]
pub(crate) fn ended(task: u64, spawned_at: &'static Location<'static>) {
    let panicked =
        |last: &RefCell<Note>| last.try_borrow().is_ok_and(|last| last.at != 0 && last.task == task);
    // Who panicked itself has seen its own store.
    if HOOKED.load(Relaxed) && task != 0 && LAST.try_with(panicked).unwrap_or(false) {
        ended_by_panic(task, spawned_at);
    }
}

#[cfg_attr(not(tokio_unstable), expect(dead_code, reason = "no hook tells of a task's end"))]
#[cold]
fn ended_by_panic(task: u64, spawned_at: &'static Location<'static>) {
    let open = recorder::own_record().filter(|open| open.task == task);
    let failure = LAST.try_with(|last| {
        let mut last = last.try_borrow_mut().ok()?;
        // One of an earlier poll was caught: the task has lived on.
        let here = open.is_some_and(|open| open.version == last.version);
        let failure = here.then(|| Failure {
            at_ns: clock::tick_to_at_ns(last.at),
            task,
            spawned_at: spawned_at.to_string(),
            how: How::Panic,
            message: last.message.get().to_owned(),
            place: Some(last.place()),
            certainty: Certainty::Probable,
            ..Failure::default()
        });
        last.at = 0;
        failure
    });
    if let Some(failure) = failure.ok().flatten() {
        tell_line(failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_path_the_end_is_kept() {
        let path = format!("{}/src/lib.rs", "ä".repeat(FILE));
        let kept = end_of(&path);
        assert!(kept.len() <= FILE && kept.ends_with("/src/lib.rs"), "{kept}");
        assert_eq!(end_of("src/lib.rs"), "src/lib.rs");
    }

    #[test]
    fn a_panic_is_told_by_its_message_once() {
        COUNT.set(5);
        LAST.with(|last| {
            let mut last = last.borrow_mut();
            (last.at, last.line, last.column) = (clock::ticks(), 3, 7);
            last.message.set("here");
            last.file.set("a.rs");
        });
        assert_eq!(take(4, "here").as_deref(), Some("a.rs:3:7"));
        assert_eq!(take(4, "here"), None, "it was taken");
    }
}
