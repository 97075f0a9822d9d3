//! Sets a runtime's builder up to be watched.

use crate::config::Config;
use crate::engine::Engine;
use std::fmt;
use std::io;
use tokio::runtime::{Builder, Handle};

/// Watches the runtimes that `builder` builds, with the settings of the environment.
///
/// Call it last, right before `build`. The guard may be dropped at any time: it ends nothing that others still use, and
/// makes sure that what was seen so far is written.
///
/// # Errors
/// See [`Config::install`].
///
/// ```
/// let mut builder = tokio::runtime::Builder::new_multi_thread();
/// let _guard = stallscope_instrument::install(builder.enable_all())?;
/// builder.build().unwrap().block_on(async { /* … */ });
/// # Ok::<(), stallscope_instrument::InstallError>(())
/// ```
pub fn install(builder: &mut Builder) -> Result<Guard, InstallError> {
    Config::new().install(builder)
}

/// Watches the runtime that this is called in, as it runs, with the settings of the environment: for a program whose
/// `#[tokio::main]` is to stay as it is.
///
/// What is seen then is sampled: [`Config::attach`] says what that means. The guard is as that of [`install`].
///
/// # Errors
/// See [`Config::attach`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let _guard = stallscope_instrument::attach()?;
/// /* … */
/// # Ok::<(), stallscope_instrument::InstallError>(())
/// # }).unwrap();
/// ```
pub fn attach() -> Result<Guard, InstallError> {
    Config::new().attach()
}

/// Keeps an instrumented program's log whole: dropping it writes what was seen so far. Within a runtime that is only begun,
/// so that the event loop does not wait for it.
#[derive(Debug)]
#[must_use = "dropping the guard at once only flushes a log that is still empty"]
pub struct Guard {
    /// None when the environment says `STALLSCOPE=off`.
    watched: Option<(&'static Engine, u32)>,
}

impl Guard {
    pub(crate) fn unwatched() -> Self {
        Self { watched: None }
    }

    pub(crate) fn watched(engine: &'static Engine, probe: u32) -> Self {
        Self { watched: Some((engine, probe)) }
    }

    /// Under which number the runtime's hooks record.
    pub(crate) fn probe(&self) -> Option<u32> {
        self.watched.map(|(_, probe)| probe)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some((engine, _)) = self.watched else { return };
        if Handle::try_current().is_ok() {
            // Whoever waited here would block the event loop; the program's exit waits.
            engine.flush_without_waiting();
        } else {
            engine.flush();
        }
    }
}

/// Why nothing is watched. The app may go on without.
pub struct InstallError(Kind);

#[derive(Debug)]
enum Kind {
    Variable(&'static str, String),
    Thread(io::Error),
    Forked,
    NoRuntime,
}

impl InstallError {
    pub(crate) fn variable(name: &'static str, problem: &str) -> Self {
        Self(Kind::Variable(name, problem.to_owned()))
    }

    pub(crate) fn forked() -> Self {
        Self(Kind::Forked)
    }

    pub(crate) fn no_runtime() -> Self {
        Self(Kind::NoRuntime)
    }

    pub(crate) fn thread(error: io::Error) -> Self {
        Self(Kind::Thread(error))
    }
}

/// As it is shown: `main` prints an error that it returns in this form.
impl fmt::Debug for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Variable(name, problem) => write!(f, "cannot read {name}: {problem}"),
            Kind::Thread(error) => write!(f, "cannot start the watchdog's thread: {error}"),
            Kind::Forked => f.write_str(
                "this process was forked off one that is watched, and the watchdog did not come along: install \
                 Stallscope after the fork only, or exec",
            ),
            Kind::NoRuntime => f.write_str(
                "there is no tokio runtime here to attach to: call stallscope::attach in a future or a task, or give \
                 the runtime's builder to stallscope::install",
            ),
        }
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Thread(error) => Some(error),
            Kind::Variable(..) | Kind::Forked | Kind::NoRuntime => None,
        }
    }
}
