//! What can be configured.

mod app_hooks;
mod environment;

use crate::engine::{self, Engine};
use crate::install::{Guard, InstallError};
use crate::probe::{self, AppHooks};
use crate::recorder;
use stallscope_wire::{Mode, Tier};
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, RuntimeFlavor, worker_index};

/// How a runtime is watched.
///
/// Builder methods set the defaults of the program; the environment overrides them when [`Config::install`] or
/// [`Config::attach`] is called:
/// `STALLSCOPE` (`full`, `lean`, `off`), `STALLSCOPE_THRESHOLD`, `STALLSCOPE_LAG_LIMIT`, `STALLSCOPE_PROBE_INTERVAL`,
/// `STALLSCOPE_GRACE`, `STALLSCOPE_NEVER_POLLED`, `STALLSCOPE_LOST_TASK`, `STALLSCOPE_POOL_LIMIT`, `STALLSCOPE_LEAK_WINDOW`,
/// `STALLSCOPE_CLOSE_WAIT` (durations like `250us`, `20ms`, `1.5s`), `STALLSCOPE_LOG`, `STALLSCOPE_FLIGHT` and
/// `STALLSCOPE_SOCKET` (paths).
///
/// What concerns the whole process (mode, limits of tasks, pool and connections, log, flight recorder, socket) is taken from the
/// first runtime that is instrumented.
///
/// ```
/// use std::time::Duration;
/// let mut builder = tokio::runtime::Builder::new_current_thread();
/// let _guard = stallscope_instrument::Config::new().threshold(Duration::from_millis(20)).install(&mut builder)?;
/// builder.build().unwrap().block_on(async { /* … */ });
/// # Ok::<(), stallscope_instrument::InstallError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) mode: Mode,
    pub(crate) runtime: RuntimeSettings,
    pub(crate) limits: Limits,
    pub(crate) log: Option<PathBuf>,
    pub(crate) flight: Option<PathBuf>,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) hooks: AppHooks,
    pub(crate) app: App,
}

/// What may differ between the runtimes of a process. Times are in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RuntimeSettings {
    pub(crate) threshold_ns: u64,
    pub(crate) lag_limit_ns: u64,
    pub(crate) probe_interval_ns: u64,
    pub(crate) grace_ns: u64,
    /// The thread that polls the root future is known: it is polled through ours, which records it, or we were called in it.
    pub(crate) root_known: bool,
    /// How its polls are seen.
    pub(crate) tier: Tier,
}

/// From when on work that does not get on is told of, in nanoseconds. The same for all runtimes of the process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) never_polled_ns: u64,
    pub(crate) lost_task_ns: u64,
    pub(crate) pool_ns: u64,
    pub(crate) leak_window_ns: u64,
    pub(crate) close_wait_ns: u64,
}

/// What `#[stallscope::main]` knows of the program when it is compiled.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct App {
    /// Name of the crate, as it stands in paths of functions.
    pub(crate) crate_name: Option<&'static str>,
    /// Folder that the compiler's relative paths start from.
    pub(crate) source_root: Option<&'static str>,
}

impl App {
    /// Neither is known of a build without cargo.
    pub(crate) fn known(crate_name: Option<&'static str>, source_root: &'static str) -> Self {
        let known = |text: &&str| !text.is_empty();
        Self { crate_name: crate_name.filter(known), source_root: Some(source_root).filter(known) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl Config {
    /// The defaults: every poll timed, threshold and lag limit 100 ms, lag probe each 20 ms, start-up grace 500 ms, no
    /// log, the live socket at its usual place.
    #[must_use]
    pub fn new() -> Self {
        let ms = |ms: u64| ms * 1_000_000;
        Self {
            mode: Mode::Full,
            runtime: RuntimeSettings {
                threshold_ns: ms(100),
                lag_limit_ns: ms(100),
                probe_interval_ns: ms(20),
                grace_ns: ms(500),
                root_known: false,
                tier: probe::TIER,
            },
            limits: Limits {
                never_polled_ns: ms(1000),
                lost_task_ns: ms(1000),
                pool_ns: ms(100),
                leak_window_ns: ms(30_000),
                close_wait_ns: ms(10_000),
            },
            log: None,
            flight: None,
            socket: None,
            hooks: AppHooks::default(),
            app: App::default(),
        }
    }

    /// How much is recorded of each poll. [`Mode::Lean`] costs least: it knows the length of a stall to 20 ms, and estimates the
    /// other polls from one in 64; with [`Mode::Off`] no hook is set and nothing can be switched on later.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// A poll longer than this is a stall. At least 1 ms.
    #[must_use]
    pub fn threshold(mut self, threshold: Duration) -> Self {
        self.runtime.threshold_ns = nanos(threshold).max(1_000_000);
        self
    }

    /// New work that waits longer than this is a lag. At least 1 ms.
    #[must_use]
    pub fn lag_limit(mut self, limit: Duration) -> Self {
        self.runtime.lag_limit_ns = nanos(limit).max(1_000_000);
        self
    }

    /// The pace at which the loop's lag is measured. At least 1 ms.
    #[must_use]
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.runtime.probe_interval_ns = nanos(interval).max(1_000_000);
        self
    }

    /// What blocks within this time from a runtime's start is start-up work and not reported.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.runtime.grace_ns = nanos(grace);
        self
    }

    /// A task that waits longer than this for its first poll, while its runtime gets on, is told of. At least 1 ms.
    #[must_use]
    pub fn never_polled(mut self, limit: Duration) -> Self {
        self.limits.never_polled_ns = nanos(limit).max(1_000_000);
        self
    }

    /// A task of [`spawn`](crate::spawn) that nothing can wake any more is told of after this time; of other tasks nobody can
    /// tell. At least 1 ms.
    #[must_use]
    pub fn lost_task(mut self, limit: Duration) -> Self {
        self.limits.lost_task_ns = nanos(limit).max(1_000_000);
        self
    }

    /// Work that waits longer than this for a thread of the blocking pool is told of. At least 1 ms.
    #[must_use]
    pub fn blocking_pool(mut self, limit: Duration) -> Self {
        self.limits.pool_ns = nanos(limit).max(1_000_000);
        self
    }

    /// Tasks of one line, or connections of one route or to one address, whose number only grows for this long are a leak. At
    /// least 1 s.
    #[must_use]
    pub fn leak_window(mut self, window: Duration) -> Self {
        self.limits.leak_window_ns = nanos(window).max(1_000_000_000);
        self
    }

    /// A connection that its other side has closed, and the process has not for longer than this, is a leak. At least 1 s.
    #[must_use]
    pub fn close_wait(mut self, limit: Duration) -> Self {
        self.limits.close_wait_ns = nanos(limit).max(1_000_000_000);
        self
    }

    /// Keeps an event log: a file, or a folder (existing, or written with a slash at its end) that gets `<pid>-<start>.jsonl`.
    #[must_use]
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// Keeps a small file of the last 30 s in this folder whenever a stall, loop lag, full queues or the blocking pool make
    /// work wait: an event log of 5 MB at most that `stallscope watch`, `check --log` and `report` read. One a minute at most,
    /// and the newest 20 in the folder, whoever wrote them. A folder that cannot be written is told as a gap of coverage.
    #[must_use]
    pub fn flight_recorder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.flight = Some(folder.into());
        self
    }

    /// Puts the live socket elsewhere than [`stallscope_wire::live_socket`] says.
    #[must_use]
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// Sets the hooks on a runtime's builder and starts the watchdog, if this is the first in the process.
    ///
    /// Call it last, right before `build`: a hook that is set on the builder afterwards replaces ours, which is then
    /// reported as a gap of coverage.
    ///
    /// # Errors
    /// When a `STALLSCOPE_*` variable cannot be read, or a thread cannot be started. The builder can be used all the same;
    /// nothing is watched then. A log that cannot be written is told on stderr, and as a gap of coverage.
    pub fn install(self, builder: &mut Builder) -> Result<Guard, InstallError> {
        let hooks = self.hooks.clone();
        match self.start() {
            Ok(Some((engine, probe))) => {
                probe::set(builder, Some(probe), hooks);
                Ok(Guard::watched(engine, probe))
            }
            // The app's own hooks run all the same.
            Ok(None) => {
                probe::set(builder, None, hooks);
                Ok(Guard::unwatched())
            }
            Err(error) => {
                probe::set(builder, None, hooks);
                Err(error)
            }
        }
    }

    /// Watches the runtime that this is called in, by sampling: from outside, without hooks. So a task is not told by its
    /// spawn line, polls are not timed, long computing is told as probable only; neither a poll of many short calls is seen, nor
    /// what waits for the blocking pool, nor a task that is never polled, nor, but for those of `spawn`, one that panics or leaks.
    ///
    /// Call it first in the root future, so that the root future's thread is known too. The app's hooks in this
    /// configuration are not used: the runtime has those that it was built with.
    ///
    /// # Errors
    /// Those of [`Config::install`], and when this is not called from within a runtime.
    pub fn attach(mut self) -> Result<Guard, InstallError> {
        let handle = Handle::try_current().map_err(|_| InstallError::no_runtime())?;
        self.runtime.tier = Tier::Sampled;
        let one_thread = handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
        // On a multi-thread runtime the root future's thread is no worker.
        let in_root = !one_thread && worker_index().is_none();
        self.runtime.root_known = in_root;
        let Some((engine, probe)) = self.start()? else { return Ok(Guard::unwatched()) };
        engine.attach(probe, &handle);
        if in_root || worker_index().is_some() {
            recorder::enlist(probe);
        }
        Ok(Guard::watched(engine, probe))
    }

    /// Starts the engine; none when the environment switches it off.
    fn start(self) -> Result<Option<(&'static Engine, u32)>, InstallError> {
        self.with_environment()?.begin()
    }

    /// Sets the hooks on a test's builder: what the test asks for holds, unless the environment asks for more to be seen. None
    /// when the environment switches it off.
    pub(crate) fn install_test(
        self,
        builder: &mut Builder,
    ) -> Result<Option<(&'static Engine, u32)>, InstallError> {
        let asked = self.runtime;
        let mut config = self.with_environment()?;
        config.runtime.threshold_ns = config.runtime.threshold_ns.min(asked.threshold_ns);
        config.runtime.lag_limit_ns = config.runtime.lag_limit_ns.min(asked.lag_limit_ns);
        config.runtime.probe_interval_ns = config.runtime.probe_interval_ns.min(asked.probe_interval_ns);
        if config.log.is_some() {
            // Whoever has it kept judges it by limits of its own.
            config.runtime.threshold_ns = config.runtime.threshold_ns.min(Self::new().runtime.threshold_ns);
        }
        config.runtime.grace_ns = asked.grace_ns;
        let started = config.begin()?;
        let probe = started.map(|(_, probe)| probe);
        probe::set(builder, probe, AppHooks::default());
        Ok(started)
    }

    fn begin(self) -> Result<Option<(&'static Engine, u32)>, InstallError> {
        let config = self;
        if config.mode == Mode::Off {
            return Ok(None);
        }
        let engine = engine::start(&config)?;
        Ok(Some((engine, engine.add_probe(config.runtime))))
    }
}

/// A hundred years stand for ever, and leave room to add to.
fn nanos(duration: Duration) -> u64 {
    const FOR_EVER: u64 = 100 * 366 * 24 * 3600 * 1_000_000_000;
    u64::try_from(duration.as_nanos()).map_or(FOR_EVER, |nanos| nanos.min(FOR_EVER))
}
