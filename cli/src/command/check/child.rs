//! The command that is checked: started, signalled and waited for.

use super::family::Family;
use crate::failure::Failure;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// From the wish that a command ends to its end by force.
const GRACE: Duration = Duration::from_secs(5);

/// The command is over: from here on a signal ends us as it ends any program, whatever we wait for.
static OVER: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let over = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Where it is refused, the signal is heard and does nothing.
        let _ = register_conditional_default(signal, Arc::clone(&over));
    }
    over
});

/// What to run, and how.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// The program and its arguments; never empty.
    pub(super) command: &'a [OsString],
    /// What it finds in its environment, beside what we find in ours.
    pub(super) variables: &'a [(String, OsString)],
    /// Each process that the command starts writes its log here.
    pub(super) logs: &'a OsStr,
    /// A stall from this length on is recorded, where another length than the usual is needed.
    pub(super) threshold: Option<String>,
    /// Stdout is ours alone.
    pub(super) stdout_to_stderr: bool,
    pub(super) timeout: Option<Duration>,
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    status: ExitStatus,
    /// When it was told to end, because its time was up.
    pub(super) timed_out: Option<SystemTime>,
    /// A signal came for us, and was passed on.
    pub(super) signalled: bool,
}

impl Ended {
    /// Its own exit code if it failed, 128 and the signal if one ended it. That it ended when its time was up is no failure;
    /// that it had to be killed is one.
    pub(super) fn failure(&self) -> Option<u8> {
        let code = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => code,
            (None, signal) => 128 + signal.unwrap_or(0),
        };
        let by_us = self.timed_out.is_some() && code == 128 + Signal::TERM.as_raw();
        u8::try_from(code & 0xff).ok().filter(|&code| code != 0 && !by_us)
    }
}

/// Runs the command to its end.
pub(super) fn run(plan: &Plan<'_>) -> Result<Ended, Failure> {
    let failed = |error: io::Error| Failure::internal(format_args!("cannot wait for the command: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    OVER.store(false, Relaxed);
    let ended = runtime.block_on(async {
        // Before the command starts: from here on no signal ends us without it.
        let [mut interrupt, mut terminate, mut hangup] = signals().map_err(failed)?;
        let (mut child, shared) = start(plan)?;
        let deadline = tokio::time::sleep(plan.timeout.unwrap_or(Duration::MAX));
        let force = tokio::time::sleep(Duration::MAX);
        tokio::pin!(deadline, force);
        let (mut timed_out, mut interrupts, mut signalled) = (None, 0, false);
        let mut family = pid(&child).map(Family::of);
        let mut ending = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.map_err(failed)?,
                () = &mut deadline, if timed_out.is_none() => {
                    (timed_out, ending) = (Some(SystemTime::now()), true);
                    force.as_mut().reset(tokio::time::Instant::now() + GRACE);
                    family.iter_mut().for_each(Family::terminate);
                }
                () = &mut force, if timed_out.is_some() => {
                    family.iter_mut().for_each(Family::kill);
                    force.as_mut().reset(tokio::time::Instant::now() + GRACE);
                }
                _ = interrupt.recv() => {
                    (interrupts, signalled) = (interrupts + 1, true);
                    // A terminal interrupts all that shares our group; only what does not needs to be told.
                    match (interrupts, shared) {
                        (1, true) => {}
                        (1, false) => send(&child, shared, Signal::INT),
                        _ => {
                            ending = true;
                            family.iter_mut().for_each(Family::kill);
                        }
                    }
                }
                _ = terminate.recv() => {
                    signalled = true;
                    send(&child, shared, Signal::TERM);
                }
                _ = hangup.recv() => {
                    signalled = true;
                    send(&child, shared, Signal::HUP);
                }
            }
        };
        // What it started must not go on: its event log is about to be removed.
        if let Some(family) = family.filter(|_| ending) {
            family.end(GRACE).await;
        }
        Ok(Ended { status, timed_out, signalled })
    });
    OVER.store(true, Relaxed);
    ended
}

fn signals() -> io::Result<[tokio::signal::unix::Signal; 3]> {
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?])
}

/// Starts the command, and says whether it shares our process group. It does where it may read the terminal, which only
/// the foreground group may; elsewhere it gets a group of its own, so that a signal for us is passed to what it starts too.
fn start(plan: &Plan<'_>) -> Result<(Child, bool), Failure> {
    let (program, arguments) =
        plan.command.split_first().ok_or_else(|| Failure::usage("no command is given after --"))?;
    let shared = io::stdin().is_terminal();
    let mut command = Command::new(program);
    command.args(arguments).env("STALLSCOPE_LOG", plan.logs);
    command.envs(plan.variables.iter().map(|(name, value)| (name, value)));
    if let Some(threshold) = &plan.threshold {
        command.env("STALLSCOPE_THRESHOLD", threshold);
    }
    if plan.stdout_to_stderr {
        command.stdout(Stdio::from(io::stderr()));
    }
    if !shared {
        command.process_group(0);
    }
    let child = command.spawn().map_err(|error| {
        let name = program.display();
        match error.kind() {
            io::ErrorKind::NotFound if program.as_encoded_bytes().contains(&b'/') => {
                Failure::usage(format_args!("cannot run {name}: there is no such file"))
            }
            io::ErrorKind::NotFound => Failure::usage(format_args!(
                "cannot run {name}: there is no such command (give a path, such as ./{name}, or one that is in PATH)"
            )),
            _ => Failure::usage(format_args!("cannot run {name}: {error}")),
        }
    })?;
    Ok((child, shared))
}

/// None when it has ended.
fn pid(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| Pid::from_raw(id.cast_signed()))
}

/// Passes a signal on. A process that is gone, or no longer ours to signal, needs none.
fn send(child: &Child, shared: bool, signal: Signal) {
    let Some(pid) = pid(child) else { return };
    let _ = if shared { kill_process(pid, signal) } else { kill_process_group(pid, signal) };
}
