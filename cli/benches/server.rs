//! What a server pays for being watched: the reference server under the same open-loop load, watched and not.
//!
//! `cargo bench -p stallscope-cli`; the number of rounds may be given: `-- 10`. Server and load share the machine, so the
//! figure to believe is the server's processor time for a request; latencies are the machine's as much as the server's.

#[path = "../../instrument/benches/cost/measure/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a part of what the instrument is measured with is enough here")]
mod measure;

use measure::{Table, interleaved, process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const DEFAULT_ROUNDS: usize = 5;
/// Requests a second, and for how long: a load that two cores bear, the generator's own work included.
const RATE: &str = "1000";
const DURATION: &str = "3s";
const CONNECTIONS: &str = "16";

/// Settings of `STALLSCOPE`; the first is what the others are compared with.
const MODES: [&str; 2] = ["off", "full"];

/// What is measured, and how it is told.
const FIGURES: [(&str, &str); 4] = [
    ("cpu", "server's process-CPU us per request"),
    ("rate", "answers a second"),
    ("p50", "p50 ms, from the time a request was due"),
    ("p99", "p99 ms, from the time a request was due"),
];

fn main() {
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(DEFAULT_ROUNDS);
    let mut measured = vec![vec![Vec::new(); MODES.len()]; FIGURES.len()];
    interleaved(rounds, MODES.len(), |mode| {
        let figures = run(MODES[mode]);
        for (values, figure) in measured.iter_mut().zip(figures) {
            values[mode].push(figure);
        }
        figures[0]
    });
    let how = format!(
        "{RATE} requests a second for {DURATION} over {CONNECTIONS} connections; {rounds} rounds, in turns, each in a \
         process of its own"
    );
    let mut table = Table::new("server", &how);
    for ((_, about), values) in FIGURES.iter().zip(&measured) {
        table = table.group(about, MODES.into_iter().zip(values));
    }
    table.print();
}

fn run(mode: &str) -> [f64; FIGURES.len()] {
    let server = Server::start(mode);
    // Connections, caches and the allocator settle first.
    server.load("500ms");
    let before = server.cpu_ns();
    let load = server.load(DURATION);
    let cpu = server.cpu_ns() - before;
    let answered = load["answered"].as_f64().expect("answers are counted");
    let ms = |quantile: &str| {
        load["latency"]["corrected"][quantile].as_f64().expect("latencies are measured") / 1e6
    };
    assert!(answered > 0.0, "no request was answered: {load:#}");
    let seconds = load["took_ns"].as_f64().expect("the load is timed") / 1e9;
    [cpu as f64 / 1e3 / answered, answered / seconds, ms("p50_ns"), ms("p99_ns")]
}

/// A server that ends with this value.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(mode: &str) -> Self {
        let mut child = stallscope(&["serve", "--addr", "127.0.0.1:0", "--exit-with-stdin"])
            .env("STALLSCOPE", mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is ours");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it says {line}"));
        Self { url: format!("{url}/"), child }
    }

    fn load(&self, duration: &str) -> Value {
        let load = ["load", "--rate", RATE, "--duration", duration, "--connections", CONNECTIONS];
        let output = stallscope(&[&load[..], &["--format", "json", &self.url]].concat())
            .output()
            .expect("the load runs");
        serde_json::from_slice(&output.stdout).expect("the load tells what it measured")
    }

    fn cpu_ns(&self) -> u64 {
        process::threads_cpu_ns(self.child.id(), "")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command, with no settings from outside.
fn stallscope(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stallscope"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE"))
    {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}
