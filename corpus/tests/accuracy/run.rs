//! Runs the cases, each as a process of its own.

use crate::build::Build;
use crate::expected;
use crate::found::Found;
use crate::source::{self, Case};
use stallscope::analysis::{History, Rule, findings};
use stallscope_wire::Reader;
use std::fs::{self, File};
use std::hint::black_box;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, iter};

/// Cases that run at the same time: most of them wait.
const AT_ONCE: usize = 2;
/// Far longer than any case takes, even on a crowded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a case is run at most whose log says that the machine, which is busy with something else, did not run it.
const TRIES: u32 = 3;
/// What a case exits with that this machine cannot show.
const SKIPPED: i32 = 77;

/// A case that was run.
pub(crate) struct Ran {
    pub(crate) case: Case,
    pub(crate) flavor: &'static str,
    pub(crate) found: Found,
    /// How often it was run in vain before, because the machine did not run it.
    pub(crate) paused: u32,
}

/// Runs all cases on all their flavours, as often as the environment says.
pub(crate) fn all(build: &Build) -> Vec<Ran> {
    let number = |name| env::var(name).ok().map(|text| text.parse().expect("a number"));
    let rounds = number("STALLSCOPE_CORPUS_ROUNDS").unwrap_or(1);
    let hogs = number("STALLSCOPE_CORPUS_HOGS").unwrap_or(0);
    let only = env::var("STALLSCOPE_CORPUS_CASE").ok();
    let cases: Vec<Case> = source::cases()
        .into_iter()
        .filter(|case| only.as_ref().is_none_or(|only| case.name.contains(only)))
        .collect();
    assert!(!cases.is_empty(), "there is no such case");
    let each = cases.iter().flat_map(|case| iter::repeat(case).zip(&case.flavors));
    let each: Vec<_> = iter::repeat_n(each, rounds).flatten().collect();
    let (next, ran) = (Mutex::new(each.into_iter().enumerate()), Mutex::new(Vec::new()));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..hogs {
            scope.spawn(|| {
                while !over.load(Relaxed) {
                    black_box((0..100_000_u64).fold(0, |sum, n| black_box(sum ^ n)));
                }
            });
        }
        let run = || {
            loop {
                let Some((at, (case, flavor))) = next.lock().unwrap().next() else { return };
                let tries = if hogs == 0 && case.blocks.is_some() { TRIES } else { 1 };
                let (found, paused) = run(build, case, flavor, tries);
                ran.lock().unwrap().push((at, Ran { case: case.clone(), flavor, found, paused }));
            }
        };
        let runners: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(run)).collect();
        let ended: Vec<_> = runners.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Relaxed);
        ended.into_iter().for_each(|end| end.expect("the cases run"));
    });
    let mut ran = ran.into_inner().unwrap();
    ran.sort_by_key(|(at, _)| *at);
    ran.into_iter().map(|(_, ran)| ran).collect()
}

/// Runs a case until the machine lets it be judged; how often it did not.
fn run(build: &Build, case: &Case, flavor: &str, tries: u32) -> (Found, u32) {
    let mut paused = 0;
    loop {
        let (found, history) = run_once(build, case, flavor);
        let is_paused =
            |history: &History| findings(&[history]).iter().any(|finding| finding.rule == Rule::HostPause);
        if found.is_right() || paused + 1 >= tries || !history.as_ref().is_some_and(is_paused) {
            return (found, paused);
        }
        paused += 1;
    }
}

fn run_once(build: &Build, case: &Case, flavor: &str) -> (Found, Option<History>) {
    // On a disk, which the temporary folder may not be.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
    let log = folder.path().join("log.jsonl");
    let stderr = folder.path().join("stderr");
    let mut command = Command::new(&build.program);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE")) {
        command.env_remove(name);
    }
    command.args([&case.name, flavor]).current_dir(folder.path());
    command.env("STALLSCOPE_LOG", &log).env("XDG_RUNTIME_DIR", folder.path());
    command.env("STALLSCOPE_THRESHOLD", "50ms").env("STALLSCOPE_GRACE", "0ms");
    command.envs(case.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(File::create(&stderr).expect("the folder can be written"));
    let status = wait(command.spawn().expect("the corpus runs"));
    let said = fs::read_to_string(stderr).expect("stderr is text");
    match status.and_then(|status| status.code()) {
        Some(0) => {
            let history = read(&log);
            let found = expected::compare(build, case, &history);
            if !found.is_right() {
                let kept = Path::new(env!("CARGO_TARGET_TMPDIR"))
                    .join(format!("{}-{flavor}-{}.jsonl", case.name, build.name));
                fs::copy(&log, kept).expect("the target folder can be written");
            }
            (found, Some(history))
        }
        Some(SKIPPED) => (Found::Skipped(said.lines().last().unwrap_or_default().to_owned()), None),
        _ => panic!("{} on {flavor} in {}: {status:?}: {said}", case.name, build.name),
    }
}

/// None when it does not end.
fn wait(mut child: Child) -> Option<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is ours") {
            return Some(status);
        }
        if begun.elapsed() > PATIENCE {
            child.kill().expect("it still runs");
            child.wait().expect("it is ours");
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn read(log: &Path) -> History {
    let fails = |error: &dyn std::fmt::Display| -> ! { panic!("{}: {error}", log.display()) };
    let file = File::open(log).unwrap_or_else(|error| fails(&error));
    let mut reader = Reader::new(file).unwrap_or_else(|error| fails(&error));
    let mut history = History::new(reader.header().clone());
    while let Some(line) = reader.next_line().unwrap_or_else(|error| fails(&error)) {
        history.apply(line);
    }
    history.set_cut(reader.cut());
    history
}
