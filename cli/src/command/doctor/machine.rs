//! What this machine lets the instrument see.

use super::environment::Environment;
use super::item::Item;
use crate::source::{Vitality, discover};
use rustix::net::{AddressFamily, SocketType, netlink, socket};
use rustix::process::{Resource, getrlimit};
use rustix::thread::gettid;
use stallscope_wire::live_folder;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(super) fn items() -> Vec<Item> {
    let mut items = vec![kernel(), calls(), memory(), processor_time(), timers(), sockets(), live()];
    items.extend(others_processes());
    items.extend(own_environment());
    items.extend(watchable());
    items
}

fn kernel() -> Item {
    const NAME: &str = "kernel";
    let system = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let (name, release, machine) = (text(system.sysname()), text(system.release()), text(system.machine()));
    let found = format!("{name} {release} on {machine}");
    if cfg!(target_os = "linux") && machine == "x86_64" {
        return Item::good(NAME, found);
    }
    Item::gap(
        NAME,
        format!(
            "{found}: stalls are seen, and named by the spawn location of their task; no stack is captured"
        ),
        "run the program on Linux on x86_64 to see the blocking line",
    )
}

/// What a thread does now: the way by which one that waits is captured without a signal.
fn calls() -> Item {
    const NAME: &str = "system calls";
    let path = format!("/proc/self/task/{}/syscall", gettid().as_raw_nonzero());
    match fs::read_to_string(&path) {
        Ok(_) => Item::good(NAME, "a process can read which call its threads wait in"),
        Err(error) => Item::gap(
            NAME,
            format!("{path}: {error}; which line waits is not known"),
            "mount /proc, without hiding it from the process itself (a kernel with CONFIG_HAVE_ARCH_TRACEHOOK)",
        ),
    }
}

fn memory() -> Item {
    const NAME: &str = "own memory";
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    let scope = scope.map_or_else(String::new, |scope| {
        format!(" (ptrace_scope {} is about other processes)", scope.trim())
    });
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    match field(&status, "Seccomp").unwrap_or("0") {
        "0" => Item::good(NAME, format!("nothing filters process_vm_readv{scope}")),
        _ => Item::note(
            NAME,
            "a filter of system calls is on: whether it lets process_vm_readv and timer_create pass, stallscope selftest shows",
        ),
    }
}

/// Where the thread's time goes: by this a cause is judged.
fn processor_time() -> Item {
    const NAME: &str = "schedstat";
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let figures: Vec<u64> = text.split_ascii_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    match figures[..] {
        [ran, _, _] if ran > 0 => {
            Item::good(NAME, "the kernel tells computing, waiting and being kept waiting apart")
        }
        _ => Item::gap(
            NAME,
            "/proc/thread-self/schedstat tells nothing: the host's delays cannot be told from the code's",
            "run on a kernel with CONFIG_SCHED_INFO",
        ),
    }
}

/// A thread that computes is captured by a signal that a timer brings.
fn timers() -> Item {
    const NAME: &str = "signals";
    match getrlimit(Resource::Sigpending).current {
        Some(0) => Item::gap(
            NAME,
            "no signal may be pending (ulimit -i 0): which line computes is not known",
            "raise the limit: ulimit -i unlimited",
        ),
        _ => Item::good(NAME, "a timer may bring the signal that captures a thread which computes"),
    }
}

fn sockets() -> Item {
    const NAME: &str = "sock_diag";
    match socket(AddressFamily::NETLINK, SocketType::RAW, Some(netlink::SOCK_DIAG)) {
        Ok(_) => Item::good(NAME, "accept queues and their limits can be asked for"),
        Err(error) => Item::gap(
            NAME,
            format!("no netlink socket: {error}; how many connections may wait to be accepted is not known"),
            "allow AF_NETLINK (seccomp, RestrictAddressFamilies), on a kernel with inet_diag",
        ),
    }
}

/// Where processes are found.
fn live() -> Item {
    const NAME: &str = "live sockets";
    let uid = rustix::process::geteuid().as_raw();
    let folder = live_folder(uid);
    let shown = folder.display();
    let cure = "set XDG_RUNTIME_DIR to a folder of your own, for the processes too";
    match fs::symlink_metadata(&folder) {
        Ok(found) if found.uid() != uid => {
            Item::bad(NAME, format!("{shown} belongs to the user with id {}", found.uid()), cure)
        }
        Ok(found) if !found.is_dir() => Item::bad(NAME, format!("{shown} is no folder"), cure),
        Ok(found) if found.mode() & 0o077 != 0 => Item::bad(
            NAME,
            format!("others can reach {shown}, so no process listens there"),
            format!("chmod 700 {shown}"),
        ),
        Ok(_) => Item::good(NAME, format!("{shown}")),
        Err(_) => {
            let parent = folder.parent().unwrap_or(Path::new("/"));
            match rustix::fs::access(parent, rustix::fs::Access::WRITE_OK) {
                Ok(()) => Item::good(NAME, format!("{shown}, which the first process makes")),
                Err(error) => Item::bad(NAME, format!("{shown} cannot be made: {error}"), cure),
            }
        }
    }
}

/// Whether /proc shows whom other processes belong to.
fn others_processes() -> Option<Item> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let hides = |line: &&str| {
        let mut fields = line.split(' ').skip(1);
        let at_proc = fields.next() == Some("/proc");
        let options = fields.nth(1).unwrap_or_default();
        at_proc && options.split(',').any(|option| option.starts_with("hidepid=") && option != "hidepid=0")
    };
    mounts.lines().find(hides)?;
    Some(Item::note("hidepid", "/proc hides the processes of other users; those of this user are seen"))
}

/// What is set here is set for the programs that are started from here.
fn own_environment() -> Vec<Item> {
    Environment::own().items(Path::new("."))
}

fn watchable() -> Option<Item> {
    let found = discover().ok()?;
    let alive = found.iter().filter(|found| matches!(found.vitality, Vitality::Alive(_))).count();
    Some(Item::note(
        "processes",
        match alive {
            0 => "no instrumented process of this user runs now".to_owned(),
            1 => "one instrumented process of this user runs (stallscope list)".to_owned(),
            alive => format!("{alive} instrumented processes of this user run (stallscope list)"),
        },
    ))
}

/// The value of a field of `/proc/PID/status`.
pub(super) fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}
