//! Made-up processes, with live sockets in a folder of their own.

use stallscope_wire::{
    Coverage, End, Frame, Header, Line, Phase, Runtime, Snapshot, Stack, Stall, Tier, Worker,
};
use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const MS: u64 = 1_000_000;
/// What happens on a busy machine is waited for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where processes have their live sockets.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A real process uses none that others can reach.
    DirBuilder::new().mode(0o700).create(folder.path().join("stallscope")).expect("a folder");
    folder
}

/// A process that a test plays: who it is, and where it is reached.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) header: Header,
    socket: PathBuf,
    listener: UnixListener,
}

/// One that reads what the process tells.
#[derive(Debug)]
pub(crate) struct Viewer(UnixStream);

impl Process {
    /// Begins to listen.
    pub(crate) fn start(runtime: &Path, pid: u32) -> Self {
        let socket = runtime.join(format!("stallscope/{pid}.sock"));
        let listener = UnixListener::bind(&socket).expect("a socket");
        let header = Header {
            pid,
            exe: "/srv/shop-api".into(),
            command: vec!["shop-api".into()],
            started_unix_ns: 1_800_000_000_000 * MS + u64::from(pid),
            tier: Tier::Exact,
            threshold_ns: 100 * MS,
            coverage: Coverage::whole(),
            ..Header::default()
        };
        Self { header, socket, listener }
    }

    /// Waits for a viewer, but not for ever.
    fn accept(&self) -> UnixStream {
        let until = Instant::now() + PATIENCE;
        self.listener.set_nonblocking(true).expect("it is ours");
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).expect("it is ours");
                    return stream;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < until => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(error) => panic!("no viewer came to pid {}: {error}", self.header.pid),
            }
        }
    }

    /// Takes its socket away, as one does that ends in order.
    pub(crate) fn leave(self) {
        drop(self.listener);
        fs::remove_file(self.socket).expect("it is there");
    }

    /// Takes in the next viewer, and says who it is.
    pub(crate) fn meet(&self) -> Viewer {
        let mut viewer = Viewer(self.accept());
        viewer.tell(&Line::Header(self.header.clone()));
        viewer
    }
}

impl Viewer {
    pub(crate) fn tell(&mut self, line: &Line) {
        self.tell_text(&line.encode());
    }

    /// Waits until it leaves.
    pub(crate) fn wait(&mut self) {
        let _ = self.0.read(&mut [0]);
    }

    /// A viewer that has left needs to know nothing.
    pub(crate) fn tell_text(&mut self, text: &[u8]) {
        let _ = self.0.write_all(text);
    }
}

/// The process's state, with two workers.
pub(crate) fn snapshot(at_ns: u64) -> Line {
    let runtimes = vec![Runtime { workers: 2, ..Runtime::default() }];
    Line::Snapshot(Snapshot { at_ns, runtimes, workers: vec![Worker::default(); 3], ..Snapshot::default() })
}

/// One line blocked.
pub(crate) fn stall(id: u64, phase: Phase, took_ns: u64) -> Line {
    let frame = Frame { file: Some("src/report.rs".into()), line: Some(42), user: true, ..Frame::default() };
    let stack = Some(Stack { culprit: Some(0), frames: vec![frame], ..Stack::default() });
    Line::Stall(Stall {
        id,
        phase,
        at_ns: took_ns,
        duration_ns: took_ns,
        attributable_ns: took_ns,
        stack,
        ..Stall::default()
    })
}

pub(crate) fn end(at_ns: u64) -> Line {
    Line::End(End { at_ns })
}

pub(crate) fn stallscope(runtime: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stallscope"));
    command.env("XDG_RUNTIME_DIR", runtime).env_remove("NO_COLOR").env("TERM", "xterm-256color");
    // What whoever runs the tests has settled is none of theirs.
    command.env("XDG_CONFIG_HOME", runtime.join("config"));
    command
}

/// A command that runs no longer than its test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    /// One that has ended already needs neither.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Exit code, stdout and stderr.
pub(crate) fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}
