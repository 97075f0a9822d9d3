use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take to end by itself: longer than a server drains, which tidies up only then.
const GRACE: Duration = Duration::from_secs(5);
/// Lines of its stderr that are kept.
const KEPT_LINES: usize = 8;

/// This program once more, as another command. It ends with this value, and, bound to it by its stdin, with this process.
#[derive(Debug)]
pub(in super::super) struct Process {
    child: Child,
    last_words: Arc<Mutex<VecDeque<String>>>,
    /// Who reads them; none once they are all read.
    listener: Option<thread::JoinHandle<()>>,
}

impl Process {
    /// Starts it; nothing of it reaches the terminal.
    pub(in super::super) fn start(
        args: impl IntoIterator<Item = String>,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args).arg("--exit-with-stdin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What the user has set is for their own programs, and would hide what this one is to show.
        let settings = std::env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.as_encoded_bytes().starts_with(b"STALLSCOPE")) {
            command.env_remove(name);
        }
        command.envs(environment.iter().copied());
        let mut child = command.spawn()?;
        let last_words = Arc::<Mutex<VecDeque<String>>>::default();
        let listener = child.stderr.take().map(|stderr| {
            let last_words = Arc::clone(&last_words);
            thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let mut words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
                    if words.len() == KEPT_LINES {
                        words.pop_front();
                    }
                    words.push_back(line);
                }
            })
        });
        Ok(Self { child, last_words, listener })
    }

    pub(in super::super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it reads; it ends when that is dropped with this value.
    pub(in super::super) fn stdin(&mut self) -> Option<&mut ChildStdin> {
        self.child.stdin.as_mut()
    }

    /// What it prints; none the second time.
    pub(in super::super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it has.
    pub(in super::super) fn ended(&mut self) -> Option<ExitStatus> {
        // A process that cannot be asked after is none that we can wait for.
        self.child.try_wait().ok().flatten()
    }

    /// The last that it said on stderr: all of it, when it has ended.
    pub(in super::super) fn last_words(&mut self) -> String {
        if self.ended().is_some()
            && let Some(listener) = self.listener.take()
        {
            // It panics at nothing, and what it has heard is kept.
            let _ = listener.join();
        }
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        words.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + GRACE;
        while self.ended().is_none() {
            if Instant::now() >= deadline {
                // Both fail only for a process that is gone.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}
