//! The built binary as server and as open-loop load.

use super::measure::process::threads_cpu_ns;
use super::saturate::saturate;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that ends with this value.
pub(crate) struct Server {
    child: Child,
    addr: SocketAddr,
}

/// What was answered in a turn.
pub(crate) struct Answers {
    pub(crate) count: u64,
    pub(crate) took: Duration,
    pub(crate) cpu_ns: u64,
    pub(crate) p50_ns: u64,
    pub(crate) p99_ns: u64,
}

impl Answers {
    pub(crate) fn figures(&self) -> [f64; super::FIGURES.len()] {
        assert!(self.count > 0, "no request was answered");
        let count = self.count as f64;
        [
            count / self.took.as_secs_f64(),
            self.cpu_ns as f64 / 1e3 / count,
            self.p50_ns as f64 / 1e6,
            self.p99_ns as f64 / 1e6,
        ]
    }
}

impl Server {
    pub(crate) fn start(mode: &str) -> Self {
        let mut child = stallscope(&["serve", "--addr", "127.0.0.1:0", "--exit-with-stdin"])
            .env("STALLSCOPE", mode)
            .stdin(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is ours");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let addr = line.trim().strip_prefix("listening on http://").and_then(|addr| addr.parse().ok());
        Self { addr: addr.unwrap_or_else(|| panic!("it says {line}")), child }
    }

    /// As many requests as it answers.
    pub(crate) fn saturate(&self, connections: usize, time: Duration) -> Answers {
        let before = self.cpu_ns();
        let (latencies, took) = saturate(self.addr, connections, time);
        let cpu_ns = self.cpu_ns() - before;
        let at = |quantile| latencies.value_at_quantile(quantile);
        Answers { count: latencies.len(), took, cpu_ns, p50_ns: at(0.5), p99_ns: at(0.99) }
    }

    /// Requests at their time.
    pub(crate) fn load(&self, connections: usize, rate: u32, time: Duration) -> Answers {
        let before = self.cpu_ns();
        let (rate, connections) = (format!("--rate={rate}"), format!("--connections={connections}"));
        let duration = format!("--duration={}ms", time.as_millis());
        let url = format!("http://{}/", self.addr);
        let output = stallscope(&["load", "--quiet", "--format=json", &rate, &connections, &duration, &url])
            .output()
            .expect("the load runs");
        let cpu_ns = self.cpu_ns() - before;
        let load: Value = serde_json::from_slice(&output.stdout).expect("the load tells what it measured");
        let count = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("it is counted: {load:#}"));
        let corrected = &load["latency"]["corrected"];
        Answers {
            count: count(&load["answered"]),
            took: Duration::from_nanos(count(&load["took_ns"])),
            cpu_ns,
            p50_ns: count(&corrected["p50_ns"]),
            p99_ns: count(&corrected["p99_ns"]),
        }
    }

    fn cpu_ns(&self) -> u64 {
        threads_cpu_ns(self.child.id(), "")
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
