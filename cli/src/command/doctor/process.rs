//! A running process.

use super::binary::Binary;
use super::environment::Environment;
use super::item::Item;
use super::machine::field;
use super::seen::{Told, of_told};
use super::stranger;
use crate::failure::Failure;
use crate::source::{Source, Target};
use stallscope_wire::counted;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tokio calls its threads unless it is told otherwise, cut to what the kernel keeps of a name.
pub(super) const TOKIO_THREADS: [&str; 2] = ["tokio-rt-worker", "tokio-runtime-w"];

/// A process by its pid, instrumented or not.
pub(super) fn items(pid: u32) -> Result<Vec<Item>, Failure> {
    match Source::open(&Target::Pid(pid)) {
        Ok(source) => instrumented(pid, &source),
        Err(error) if error.is_not_instrumented() => Ok(stranger::items(pid)),
        Err(error) => Err(Failure::usage(error)),
    }
}

/// One that has a live socket.
pub(super) fn instrumented(pid: u32, source: &Source) -> Result<Vec<Item>, Failure> {
    let told = Told::of(source)?;
    let mut items = of_told(&told);
    items.extend(strange_runtimes(pid, &told));
    items.extend(symbols(pid));
    items.extend(status(pid));
    items.extend(settings(pid));
    Ok(items)
}

/// The names of a process's threads.
pub(super) fn thread_names(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    tasks.filter_map(name).map(|name| name.trim_end().to_owned()).collect()
}

/// Threads of tokio's that no runtime which tells of itself has. Those of a runtime with names of its own are not known.
fn strange_runtimes(pid: u32, told: &Told) -> Option<Item> {
    const NAME: &str = "runtimes";
    let names = thread_names(pid);
    let of_tokio = names.iter().filter(|name| TOKIO_THREADS.contains(&name.as_str())).count() as u64;
    let snapshot = told.history.snapshot()?;
    // A thread of the blocking pool may have come or gone between the looks.
    let known = told.threads.iter().copied().max()?;
    let runtimes = counted(snapshot.runtimes.len() as u64, "runtime");
    let strange = of_tokio.saturating_sub(known);
    Some(if strange > 0 {
        Item::gap(
            NAME,
            format!("{runtimes} told of; {} of tokio's belong to none of these", counted(strange, "thread")),
            "another runtime in the process is not watched: give its builder to stallscope::install, or call \
             stallscope::attach in it",
        )
    } else {
        Item::good(NAME, format!("{runtimes} told of, and no thread of tokio's beside them"))
    })
}

/// Of the file that the process runs, which may have been replaced at its path.
pub(super) fn executable(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/exe"))
}

fn symbols(pid: u32) -> Option<Item> {
    Some(match Binary::read(&executable(pid)) {
        Ok(binary) => binary.symbols(),
        Err(error) => Item::note("symbols", format!("/proc/{pid}/exe cannot be read: {error}")),
    })
}

/// What the kernel says of the process that keeps captures from working.
fn status(pid: u32) -> Vec<Item> {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return Vec::new() };
    let mut items = Vec::new();
    let user: Option<u32> =
        field(&status, "Uid").and_then(|ids| ids.split_ascii_whitespace().nth(1)?.parse().ok());
    let owner = fs::metadata(format!("/proc/{pid}")).map(|found| found.uid()).ok();
    if user.is_some() && owner.is_some() && user != owner {
        items.push(Item::gap(
            "/proc",
            "the process changed its user and did not exec: it may not read what its own threads do",
            "start it as the user that it runs as, or let it exec itself after the change",
        ));
    } else {
        items.push(Item::good("/proc", "the process may read what its own threads do"));
    }
    if let Some(tracer) = field(&status, "TracerPid").filter(|tracer| *tracer != "0") {
        items.push(Item::gap(
            "debugger",
            format!("process {tracer} traces it: what begins to block meanwhile is not captured"),
            "detach it",
        ));
    }
    if field(&status, "Seccomp").is_some_and(|seccomp| seccomp != "0") {
        items.push(Item::note(
            "seccomp",
            "a filter of system calls is on; what it keeps from being seen stands above as not seen",
        ));
    }
    if field(&status, "State").is_some_and(|state| state.starts_with(['T', 't'])) {
        items.push(Item::gap("state", "it is stopped: nothing of it runs", format!("kill -CONT {pid}")));
    }
    items
}

fn settings(pid: u32) -> Vec<Item> {
    environment(pid).items(&folder(pid))
}

/// As the process was started.
pub(super) fn environment(pid: u32) -> Environment {
    Environment::parse(&fs::read(format!("/proc/{pid}/environ")).unwrap_or_default())
}

pub(super) fn folder(pid: u32) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_else(|_| Path::new("/").to_owned())
}
