use super::super::failure::ServeError;
use super::code;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// This program once more, as one of several that serve.
pub(super) struct Child {
    child: tokio::process::Child,
    id: u32,
    /// None once it has said where it listens.
    stdout: Option<Lines<BufReader<ChildStdout>>>,
    /// Closed when this process ends, however it does, and the child ends then.
    _lifeline: Option<ChildStdin>,
}

/// What a child does.
pub(super) enum Event {
    /// It takes requests now.
    Listening,
    /// It has ended.
    Ended(ExitStatus),
}

impl Child {
    pub(super) fn start(arguments: &[String], (name, secret): &(&str, String)) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).env(name, secret).stdin(Stdio::piped()).stdout(Stdio::piped());
        // A terminal's Ctrl-C is for us to pass on, as every other signal is: in our group the child would have it twice.
        command.process_group(0);
        let mut child = command.spawn()?;
        let id = child.id().unwrap_or_default();
        let stdout = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Ok(Self { id, stdout, _lifeline: child.stdin.take(), child })
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Waits for what it does next.
    pub(super) async fn next(&mut self) -> io::Result<Event> {
        if let Some(stdout) = &mut self.stdout {
            // Ended or broken, its stdout says that the child is about to end.
            let said = stdout.next_line().await;
            self.stdout = None;
            if matches!(said, Ok(Some(_))) {
                return Ok(Event::Listening);
            }
        }
        self.child.wait().await.map(Event::Ended)
    }

    /// Passes signals on until it has ended, and gives its exit code.
    pub(super) async fn end(
        mut self,
        signal: Signal,
        orders: &mut broadcast::Receiver<Signal>,
    ) -> Result<u8, ServeError> {
        self.pass(signal);
        loop {
            tokio::select! {
                ended = self.child.wait() => return Ok(code(ended?)),
                order = orders.recv() => match order {
                    Ok(signal) => self.pass(signal),
                    Err(RecvError::Lagged(_)) => self.pass(signal),
                    // The sender is gone with whoever wants to know.
                    Err(RecvError::Closed) => return Ok(code(self.child.wait().await?)),
                },
            }
        }
    }

    fn pass(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that has ended meanwhile has done what it was told.
            let _ = kill_process(pid, signal);
        }
    }
}
