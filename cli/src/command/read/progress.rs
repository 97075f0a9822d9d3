//! How far a long work is, on stderr: drawn where that is a terminal, else that it takes some time.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stallscope_wire::duration::show;
use std::io::{self, IsTerminal, Read, Write};
use std::time::Duration;

/// Less than this is read before anybody wonders, in bytes.
const LITTLE: u64 = 8 << 20;
/// A shorter time is waited without a word.
const SOON: Duration = Duration::from_secs(2);
/// How often it is drawn anew in a second.
const PACE: u8 = 10;

/// A bar that is gone when the work is done.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Of reading this many bytes.
    pub(super) fn of_bytes(total: u64) -> Self {
        let words = "reading {bar:30} {bytes} of {total_bytes}, {eta} left";
        Self(bar(total, words, total >= LITTLE))
    }

    /// Of looking at processes for this time.
    pub(super) fn of_time(time: Duration) -> Self {
        let seconds = time.as_secs();
        if time >= SOON && !io::stderr().is_terminal() {
            // Once, where nothing can be drawn anew. Nobody may listen.
            let _ = writeln!(
                io::stderr(),
                "watching for {}",
                show(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
            );
        }
        Self(bar(seconds, "watching {bar:30} {pos}s of {len}s", time >= SOON))
    }

    /// The same input; what is read from it is progress.
    pub(super) fn count<R: Read>(&self, input: R) -> impl Read + use<R> {
        self.0.wrap_read(input)
    }

    /// So much of the time is over.
    pub(super) fn pass(&self, time: Duration) {
        self.0.set_position(time.as_secs());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn bar(length: u64, words: &str, worth_it: bool) -> ProgressBar {
    let target = if worth_it && io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(PACE)
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template(words).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(length), target).with_style(style.progress_chars("━╸─"))
}
