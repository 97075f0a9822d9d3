//! A program of a test: the test's own binary, run again with only this test in it.

use super::mark;
use super::seen::{Log, Seen};
use std::any::type_name;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Set in the process that is to be the program.
const ROLE: &str = "STALLSCOPE_TEST_PROGRAM";
/// What the program prints first; the test harness has printed its own lines before.
const BEGIN: &str = "the program begins\n";
/// Far longer than most programs take, even on a crowded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that has not been started.
pub(crate) struct Program {
    test: String,
    environment: Vec<(OsString, OsString)>,
    /// After which time it is given up.
    pub(crate) patience: Duration,
    folder: TempDir,
    pub(super) mark: Option<String>,
}

/// States a test's program. Its body runs only in a process of its own, from which this call does not return.
///
/// The body is a closure or a function of the test's own, since its path tells which test to run there.
#[track_caller]
pub(crate) fn program(body: impl FnOnce()) -> Program {
    if env::var_os(ROLE).is_some() {
        print!("{BEGIN}");
        std::io::stdout().flush().expect("stdout is open");
        body();
        std::process::exit(0);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mark = mark::of_the_test_at(Location::caller());
    let (logs, runtime_folder) = (folder.path().join("logs/"), folder.path().to_owned());
    let test = test_of(type_name_of(&body));
    let program = Program { test, environment: Vec::new(), patience: PATIENCE, folder, mark };
    let program = program.with("STALLSCOPE_LOG", logs).with("XDG_RUNTIME_DIR", runtime_folder);
    program.with("STALLSCOPE_GRACE", "0ms")
}

fn type_name_of<T>(_: &T) -> &'static str {
    type_name::<T>()
}

/// `binary::module::test::{{closure}}` → `module::test`
fn test_of(body: &str) -> String {
    let path = body.split_once("::").and_then(|(_, path)| path.rsplit_once("::"));
    path.expect("the body is an item of its test").0.to_owned()
}

impl Program {
    /// Sets a variable of the program's environment.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.as_ref().into()));
        self
    }

    /// A place that lasts as long as what was seen of the program.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it and waits for its end.
    pub(crate) fn run(self) -> Seen {
        self.start().wait()
    }

    /// Starts it.
    pub(crate) fn start(self) -> Running {
        let child = self.spawn("");
        Running { program: Rc::new(self), child }
    }

    fn spawn(&self, number: &str) -> Child {
        let output = |name: &str| {
            let path = self.path(&format!("{name}{number}"));
            Stdio::from(File::create(path).expect("the folder can be written"))
        };
        let mut command = Command::new(env::current_exe().expect("a test knows its binary"));
        command.args(["--exact", &self.test, "--nocapture", "--test-threads=1"]);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE")) {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path());
        command.env(ROLE, "1").envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(output("stdout")).stderr(output("stderr"));
        command.spawn().expect("the test's binary runs")
    }

    fn logs(&self) -> Vec<Log> {
        let files = fs::read_dir(self.path("logs")).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = files.map(|file| file.path()).collect();
        paths.sort();
        paths.iter().filter_map(|path| Log::read(path)).collect()
    }
}

/// A program that runs. It is killed when the test gives up.
pub(crate) struct Running {
    program: Rc<Program>,
    child: Child,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.program.path(name)
    }

    /// Starts it once more, as another process beside this one.
    pub(crate) fn again(&self) -> Child {
        self.program.spawn("-again")
    }

    /// Waits until its log shows something.
    pub(crate) fn until(&mut self, what: &str, shows: impl Fn(&Log) -> bool) {
        self.poll(what, |running| running.program.logs().iter().any(&shows).then_some(()));
    }

    /// Waits until a file is there.
    pub(crate) fn until_exists(&mut self, path: &Path) {
        self.poll(&format!("{} exists", path.display()), |_| path.exists().then_some(()));
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) -> Seen {
        self.child.kill().expect("it still runs");
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Seen {
        let status = self.poll("the program ends", |running| running.child.try_wait().expect("it is ours"));
        let text = |name| fs::read_to_string(self.path(name)).expect("output is text");
        let stdout = text("stdout");
        let stdout = stdout.split_once(BEGIN).map_or("", |(_, printed)| printed).to_owned();
        let (stderr, logs) = (text("stderr"), self.program.logs());
        Seen { status, stdout, stderr, logs, program: Rc::clone(&self.program) }
    }

    fn poll<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let stderr = || fs::read_to_string(self.path("stderr")).unwrap_or_default();
            assert!(
                begun.elapsed() < self.program.patience,
                "waited in vain until {what}; stderr:\n{}",
                stderr()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
