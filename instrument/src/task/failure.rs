//! How a task failed, and the word of it when nobody saw it.

use super::panics;
use super::shared::Shared;
use super::state::TaskState;
use crate::clock;
use crate::engine;
use crate::recorder;
use stallscope_wire::{Certainty, Failure, How, Line, Mode};
use std::any::Any;
use std::error::Error;
use std::fmt::{self, Display, Write};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes of a message that are told.
pub(super) const MESSAGE: usize = 512;

/// Tells the error in what a task returned, if it is one.
pub(super) type Judge<T> = fn(&T) -> Option<&dyn Display>;

/// How a task failed.
#[derive(Debug)]
pub(super) struct Failed {
    at_ns: u64,
    how: How,
    message: String,
    place: Option<String>,
}

impl Failed {
    /// By what a task panicked with, whose thread had panicked `before` times when the poll began.
    fn by_panic(payload: &(dyn Any + Send), before: u64) -> Self {
        let message = panics::message(payload);
        let place = panics::take(before, message);
        Self { at_ns: clock::now_ns(), how: How::Panic, message: cut(message, MESSAGE).to_owned(), place }
    }

    /// None when the error cannot even say what it is.
    fn by_error(error: &dyn Display) -> Option<Self> {
        let mut message = Cut(String::new());
        // The app's own code runs here: nothing that it does may end the task in another way than without us.
        let said = catch_unwind(AssertUnwindSafe(|| write!(message, "{error}").is_ok()));
        said.ok()?;
        Some(Self { at_ns: clock::now_ns(), how: How::Error, message: message.0, place: None })
    }
}

/// A task panicked; when it began to be polled, or dropped, its thread had panicked `before` times.
#[cold]
pub(super) fn panicked(state: &Shared<TaskState>, payload: &(dyn Any + Send), before: u64) {
    fail(state, Failed::by_panic(payload, before));
}

/// A task returned an error.
#[cold]
pub(super) fn returned(state: &Shared<TaskState>, error: &dyn Display) {
    if let Some(failed) = Failed::by_error(error) {
        fail(state, failed);
    }
}

fn fail(state: &Shared<TaskState>, failed: Failed) {
    state.learn_id();
    // Of a poll and the drop that follows it, the poll's failure is told.
    if state.to_wait().failed.set(Box::new(failed)).is_err() {
        return;
    }
    let is_unseen = match &state.group {
        Some(group) => group.fail(state),
        None => state.fate.fail(),
    };
    if is_unseen {
        tell(state);
    }
}

/// Tells that a task failed and that nobody saw it.
pub(super) fn tell(state: &TaskState) {
    let Some(failed) = state.waiting().and_then(|waiting| waiting.failed.get()) else { return };
    tell_line(Failure {
        at_ns: failed.at_ns,
        task: state.id(),
        name: state.name().map(str::to_owned),
        spawned_at: state.spawned_at.to_string(),
        how: failed.how,
        message: failed.message.clone(),
        place: failed.place.clone(),
        certainty: Certainty::Exact,
    });
}

pub(super) fn tell_line(failure: Failure) {
    if recorder::mode() != Mode::Off
        && let Some(engine) = engine::engine()
    {
        engine.tell(Line::Failure(failure));
    }
}

/// The error in an output of `Result<(), E>`, for the errors that the standard library has for those who name none.
pub(super) fn error_of_std<T: 'static>(output: &T) -> Option<&dyn Display> {
    fn of<E: Display + 'static>(output: &dyn Any) -> Option<&dyn Display> {
        let result = output.downcast_ref::<Result<(), E>>()?;
        result.as_ref().err().map(|error| error as &dyn Display)
    }
    of::<io::Error>(output)
        .or_else(|| of::<Box<dyn Error + Send + Sync>>(output))
        .or_else(|| of::<Box<dyn Error + Send>>(output))
        .or_else(|| of::<Box<dyn Error>>(output))
        .or_else(|| of::<String>(output))
        .or_else(|| of::<&'static str>(output))
}

/// The error of a result.
pub(super) fn error_of_result<T, E: Display>(output: &Result<T, E>) -> Option<&dyn Display> {
    output.as_ref().err().map(|error| error as &dyn Display)
}

/// The beginning of a text, of no more than so many bytes.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

/// Takes as much of a text as is told.
struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let taken = cut(text, MESSAGE - self.0.len());
        self.0.push_str(taken);
        if taken.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errors_message_is_cut_between_characters() {
        let long = "ä".repeat(MESSAGE);
        let failed = Failed::by_error(&long).unwrap();
        assert_eq!(failed.message, "ä".repeat(MESSAGE / 2));
        assert_eq!(cut("aä", 2), "a");
    }

    #[test]
    fn an_error_that_panics_when_it_is_shown_is_no_panic_of_the_tasks() {
        struct Rude;
        impl Display for Rude {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                std::panic::resume_unwind(Box::new("no words"))
            }
        }
        assert!(Failed::by_error(&Rude).is_none());
    }

    #[test]
    fn an_error_is_told_from_any_other_output() {
        let said = |error: Option<&dyn Display>| error.map(ToString::to_string);
        let boxed: Result<(), Box<dyn Error + Send + Sync>> = Err("boxed".into());
        assert_eq!(said(error_of_std(&boxed)).as_deref(), Some("boxed"));
        assert_eq!(said(error_of_std(&Err::<(), _>(io::Error::other("io")))).as_deref(), Some("io"));
        assert_eq!(said(error_of_std(&Err::<(), _>("text"))).as_deref(), Some("text"));
        assert_eq!(said(error_of_std(&Ok::<(), String>(()))), None);
        assert_eq!(said(error_of_std(&7)), None);
        assert_eq!(said(error_of_result(&Err::<u8, _>(fmt::Error))), Some(fmt::Error.to_string()));
    }
}
