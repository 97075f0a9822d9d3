//! What one look at the process's sockets takes: it happens about once a second while a log is kept or somebody looks on.

use crate::measure::{Table, child, interleaved, process};
use crate::variant::{Variant, two_workers};
use stallscope_instrument::Config;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Sockets that are open: both sides of half as many connections.
const OPEN: [usize; 3] = [10, 1_000, 10_000];
/// Descriptors besides.
const OTHERS: usize = 100;
/// From start to the first look that counts, and from there to the last.
const SETTLING: Duration = Duration::from_secs(2);
const WATCHED: Duration = Duration::from_secs(8);

pub(crate) fn run(rounds: usize) {
    let most = allow(OPEN[OPEN.len() - 1] + OTHERS);
    let open: Vec<usize> = OPEN.into_iter().filter(|open| open + OTHERS <= most).collect();
    if open.len() < OPEN.len() {
        eprintln!("sockets: no more than {most} descriptors are allowed, so larger numbers are left out");
    }
    let names: Vec<String> = open.iter().map(|open| format!("{open} open")).collect();
    let (mut look, mut proc) = (vec![Vec::new(); open.len()], vec![Vec::new(); open.len()]);
    let pace = interleaved(rounds, open.len(), |variant| {
        let figures = child::measure("sockets", &open[variant].to_string());
        look[variant].push(figures["look"][0]);
        proc[variant].push(figures["proc"][0]);
        figures["pace"][0]
    });
    let how = format!(
        "processor time of the thread stallscope-out, over {WATCHED:?} of a program with 2 workers and a log; {rounds} rounds, each in a process of its own"
    );
    let names = || names.iter().map(String::as_str);
    Table::new("sockets", &how)
        .group("ms a look, snapshots and what is written included", names().zip(&look))
        .group("looks a second", names().zip(&pace))
        .group("ms for the same from /proc, unparsed", names().zip(&proc))
        .print();
}

pub(crate) fn child(open: &str) {
    let open: usize = open.parse().expect("a number");
    assert!(allow(open + OTHERS) >= open + OTHERS, "the parent has looked how many are allowed");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let connect =
        |_| (TcpStream::connect(address).expect("it listens"), listener.accept().expect("it came").0);
    let connections: Vec<_> = (0..open / 2).map(connect).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log.jsonl");
    let looks = || fs::read_to_string(&log).unwrap_or_default().matches("\"kind\":\"socket\"").count();
    let mut builder = two_workers();
    builder.enable_all();
    let (runtime, guard) = Variant::Full.build(builder, Config::new().log(&log));
    thread::sleep(SETTLING);
    let cpu = || process::threads_cpu_ns(std::process::id(), "stallscope-out");
    let (before, looks_before) = (cpu(), looks());
    thread::sleep(WATCHED);
    let (spent, looked) = (cpu() - before, looks() - looks_before);
    child::tell("look", spent as f64 / 1e6 / looked.max(1) as f64);
    child::tell("pace", looked as f64 / WATCHED.as_secs_f64());
    let before = process::cpu_ns();
    read_proc();
    child::tell("proc", (process::cpu_ns() - before) as f64 / 1e6);
    drop(connections);
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
}

/// What would have to be read without sock_diag.
fn read_proc() {
    let links = fs::read_dir("/proc/self/fd").expect("a process can read its own");
    let links = links.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).count();
    let tables = ["tcp", "tcp6", "udp", "udp6"].map(|name| fs::read(format!("/proc/self/net/{name}")));
    let bytes: usize = tables.iter().flatten().map(Vec::len).sum();
    std::hint::black_box((links, bytes));
}

/// Raises the limit of descriptors to so many, as far as that is allowed, and says where it is.
fn allow(descriptors: usize) -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[expect(unsafe_code, reason = "the limit of descriptors is reached through libc")]
    // SAFETY: the kernel fills, and then reads, the limits that are passed to it.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        if limit.rlim_cur < descriptors as libc::rlim_t {
            let raised = libc::rlimit { rlim_cur: limit.rlim_max.min(descriptors as libc::rlim_t), ..limit };
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 {
                limit = raised;
            }
        }
    }
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}
