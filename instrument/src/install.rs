//! Sets a runtime's builder up to be watched.

use crate::config::Config;
use crate::engine::Engine;
use std::fmt;
use std::io;
use std::path::Path;
use tokio::runtime::Builder;

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

/// Keeps an instrumented program's log whole: dropping it writes what was seen so far.
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
        if let Some((engine, _)) = self.watched {
            engine.flush();
        }
    }
}

/// Why nothing is watched. The app may go on without.
#[derive(Debug)]
pub struct InstallError(Kind);

#[derive(Debug)]
enum Kind {
    Variable(&'static str, String),
    Log(std::path::PathBuf, io::Error),
    Thread(io::Error),
    Forked,
    NoHooks,
}

impl InstallError {
    pub(crate) fn variable(name: &'static str, problem: &str) -> Self {
        Self(Kind::Variable(name, problem.to_owned()))
    }

    pub(crate) fn log(path: &Path, error: io::Error) -> Self {
        Self(Kind::Log(path.to_owned(), error))
    }

    pub(crate) fn forked() -> Self {
        Self(Kind::Forked)
    }

    pub(crate) fn no_hooks() -> Self {
        Self(Kind::NoHooks)
    }

    pub(crate) fn thread(error: io::Error) -> Self {
        Self(Kind::Thread(error))
    }
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Variable(name, problem) => write!(f, "cannot read {name}: {problem}"),
            Kind::Log(path, error) => write!(f, "cannot write the event log {}: {error}", path.display()),
            Kind::Thread(error) => write!(f, "cannot start the watchdog's thread: {error}"),
            Kind::Forked => f.write_str(
                "this process was forked off one that is watched, and the watchdog did not come along: install \
                 Stallscope after the fork only, or exec",
            ),
            Kind::NoHooks => f.write_str(
                "tokio was compiled without its task hooks: build with RUSTFLAGS=\"--cfg tokio_unstable\", or put it \
                 into .cargo/config.toml and unset RUSTFLAGS, which overrides that file",
            ),
        }
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Log(_, error) | Kind::Thread(error) => Some(error),
            Kind::Variable(..) | Kind::Forked | Kind::NoHooks => None,
        }
    }
}
