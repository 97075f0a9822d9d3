//! What the process has one of: the watchdog, the collector, and the runtimes they watch.

use crate::collector::{self, Message};
use crate::config::{App, Config, Limits, RuntimeSettings};
use crate::install::InstallError;
use crate::probe::census;
use crate::recorder::{self, runtime_id};
use crate::runtime::Runtime;
use crate::task::{panics, places};
use crate::watchdog::{self, Control};
use crate::{clock, diagnosis};
use stallscope_wire::{Gap, Histogram, Line, Startup, Tier};
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "http")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// How long the program's exit may wait for what was seen to be written. The first look into the debug information of a
/// large program that is not optimized takes a second, and several on a crowded machine.
const EXIT_PATIENCE: Duration = Duration::from_secs(10);

/// The process's watchdog, collector and runtimes. Never ends; its threads are detached.
#[derive(Debug)]
pub(crate) struct Engine {
    pid: u32,
    pub(crate) app: App,
    pub(crate) limits: Limits,
    probes: Mutex<Vec<RuntimeSettings>>,
    runtimes: Mutex<Vec<Arc<Runtime>>>,
    past: Mutex<Past>,
    watchdog: Sender<Control>,
    output: SyncSender<Message>,
    pub(crate) losses: Losses,
}

/// What stays of the runtimes that are gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    /// What new work waited in them.
    pub(crate) lag: Histogram,
    pub(crate) startup: Startup,
}

/// What our own queues dropped.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    pub(crate) events: AtomicU64,
    pub(crate) stacks: AtomicU64,
    /// Tasks that waited too long for their first poll, and there was no room to tell of them.
    pub(crate) first_polls: AtomicU64,
}

static ENGINE: OnceLock<&'static Engine> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());
#[cfg(feature = "http")]
static FORKED: AtomicBool = AtomicBool::new(false);

/// The engine, once it was started; none in a process that was forked off, which has the memory and not the threads.
pub(crate) fn engine() -> Option<&'static Engine> {
    ENGINE.get().copied().filter(|engine| engine.pid == std::process::id())
}

/// Whether the engine was started. Cheaper than [`engine`], and true in a process that was forked off, too.
pub(crate) fn is_started() -> bool {
    ENGINE.get().is_some()
}

/// Whether this process was forked off one that is watched: any lock of ours may be held there, and is never given back.
/// Cheaper than [`engine`]; a process that was made without the C library does not know it.
#[cfg(feature = "http")]
pub(crate) fn is_forked() -> bool {
    FORKED.load(Relaxed)
}

/// Starts the engine, unless it runs.
pub(crate) fn start(config: &Config) -> Result<&'static Engine, InstallError> {
    if let Some(engine) = ENGINE.get() {
        return if engine.pid == std::process::id() { Ok(engine) } else { Err(InstallError::forked()) };
    }
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = ENGINE.get() {
        return Ok(engine);
    }
    clock::start();
    recorder::set_mode(config.mode);
    let output = collector::Output::open(config);
    let (to_collector, lines) = std::sync::mpsc::sync_channel(collector::ROOM);
    let (to_diagnosis, reports) = std::sync::mpsc::sync_channel(diagnosis::ROOM);
    let (to_watchdog, controls) = channel();
    let engine: &'static Engine = Box::leak(Box::new(Engine {
        pid: std::process::id(),
        app: config.app,
        limits: config.limits,
        probes: Mutex::default(),
        runtimes: Mutex::default(),
        past: Mutex::default(),
        watchdog: to_watchdog,
        output: to_collector.clone(),
        losses: Losses::default(),
    }));
    let bookings = Arc::new(diagnosis::Settled::default());
    let settled = Arc::clone(&bookings);
    let (from_watchdog, failures) = (to_collector.clone(), to_collector.clone());
    if let Some(listener) = output.listener() {
        let readers = to_collector.clone();
        spawn("stallscope-live", &failures, move || collector::welcome(&listener, &readers))?;
    }
    spawn("stallscope-out", &failures, move || collector::run(engine, output, &lines, &settled))?;
    spawn("stallscope-sym", &failures, move || diagnosis::run(engine, &reports, &to_collector, &bookings))?;
    spawn("stallscope-dog", &failures, move || {
        watchdog::run(engine, &controls, &to_diagnosis, &from_watchdog);
    })?;
    if config.runtime.tier == Tier::Sampled {
        places::count_tasks();
    }
    panics::watch();
    // Last: a hook that finds it finds it whole.
    let _ = ENGINE.set(engine);
    at_exit();
    #[cfg(feature = "http")]
    at_fork();
    Ok(engine)
}

/// Starts a thread of ours. Should it end by a mistake of ours, that is told, and the program goes on.
fn spawn(
    name: &'static str,
    failures: &SyncSender<Message>,
    body: impl FnOnce() + Send + 'static,
) -> Result<(), InstallError> {
    let failures = failures.clone();
    let guarded = move || {
        crate::own::note();
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            let what =
                format!("everything from now on: the thread {name} ended by a mistake of Stallscope's own");
            let cure = "please report it, with what the program wrote to stderr".to_owned();
            let _ = failures.try_send(Message::Gap(Gap::new(what, cure).hiding_stalls()));
        }
    };
    // A thread inherits the mask of its maker; one that is made while the app's signals are open could run its handlers.
    crate::signals::blocked(|| std::thread::Builder::new().name(name.to_owned()).spawn(guarded))
        .map(drop)
        .map_err(InstallError::thread)
}

impl Engine {
    /// Takes up a builder; the number that its hooks record under.
    pub(crate) fn add_probe(&self, settings: RuntimeSettings) -> u32 {
        let mut probes = lock(&self.probes);
        probes.push(settings);
        probes.len() as u32 - 1
    }

    /// A runtime that is watched.
    pub(crate) fn find(&self, id: u64) -> Option<Arc<Runtime>> {
        lock(&self.runtimes).iter().find(|runtime| runtime.id == id).cloned()
    }

    /// The number of a runtime, which is taken up when it is seen for the first time.
    pub(crate) fn runtime(&self, probe: u32, handle: &tokio::runtime::Handle) -> Option<u64> {
        let id = runtime_id(handle);
        let mut runtimes = lock(&self.runtimes);
        if !runtimes.iter().any(|runtime| runtime.id == id) {
            let settings = *lock(&self.probes).get(probe as usize)?;
            runtimes.push(Arc::new(Runtime::new(id, handle.clone(), settings, probe)));
        }
        Some(id)
    }

    /// Takes up a runtime that runs already, and looks for its threads.
    pub(crate) fn attach(&self, probe: u32, handle: &tokio::runtime::Handle) {
        if let Some(runtime) = self.runtime(probe, handle).and_then(|id| self.find(id)) {
            census::take(&runtime, census::FIRST_NS);
        }
    }

    /// The runtimes that are not known to be shut down.
    pub(crate) fn runtimes(&self) -> Vec<Arc<Runtime>> {
        lock(&self.runtimes).clone()
    }

    /// Forgets a runtime that is shut down, but for its [`Past`].
    pub(crate) fn remove_runtime(&self, id: u64) {
        for gone in lock(&self.runtimes).extract_if(.., |runtime| runtime.id == id) {
            let mut past = lock(&self.past);
            past.lag.merge(&Histogram::from(&gone.take_lag().histogram));
            past.startup.add(gone.startup());
        }
    }

    /// What stays of the runtimes that are gone.
    pub(crate) fn past(&self) -> Past {
        lock(&self.past).clone()
    }

    /// Tells of something from whatever thread has seen it.
    pub(crate) fn tell(&self, line: Line) {
        self.send(Message::Line(Box::new(line)));
    }

    /// Sends something to the collector, without ever waiting.
    pub(crate) fn send(&self, message: Message) {
        offer(&self.output, message, &self.losses);
    }

    /// Writes what was seen so far.
    pub(crate) fn flush(&self) {
        if engine().is_some() {
            self.ask(Control::Flush);
        }
    }

    /// Has what was seen so far told, and waits for that; whether it came to be in this time.
    pub(crate) fn settle(&self, patience: Duration) -> bool {
        engine().is_some() && self.request(Control::Flush).recv_timeout(patience).is_ok()
    }

    /// Has what was seen so far told; hears when it has been.
    pub(crate) fn settling(&self) -> Receiver<()> {
        self.request(Control::Flush)
    }

    /// Has what was seen so far written.
    pub(crate) fn flush_without_waiting(&self) {
        if engine().is_some() {
            let _ = self.request(Control::Flush);
        }
    }

    /// Sends a request down the whole line and waits, for a while, until it has come through.
    fn ask(&self, control: impl FnOnce(Sender<()>) -> Control) {
        let _ = self.request(control).recv_timeout(EXIT_PATIENCE);
    }

    /// Sends a request, and wakes who takes it; where the answer will be. Without a watchdog there will be none.
    fn request(&self, control: impl FnOnce(Sender<()>) -> Control) -> Receiver<()> {
        let (reply, done) = channel();
        if self.watchdog.send(control(reply)).is_ok() {
            recorder::ALARM.ring();
        }
        done
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands something on without ever waiting; what finds the queue full is counted.
pub(crate) fn offer<T>(queue: &SyncSender<T>, item: T, losses: &Losses) {
    if queue.try_send(item).is_err() {
        losses.events.fetch_add(1, Relaxed);
    }
}

/// Has a process that is forked off know it.
#[cfg(feature = "http")]
fn at_fork() {
    extern "C" fn note() {
        FORKED.store(true, Relaxed);
    }
    crate::signals::at_fork(note);
}

/// Has the log completed when the program exits: by returning from `main`, or through `std::process::exit`.
fn at_exit() {
    extern "C" fn finish() {
        if let Some(engine) = engine() {
            engine.ask(Control::Finish);
        }
    }
    crate::signals::at_exit(finish);
}
