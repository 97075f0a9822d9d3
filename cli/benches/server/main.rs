//! What a server pays for being watched: the reference server's `GET /`, watched and not.
//!
//! `cargo bench -p stallscope-cli`; the number of rounds may be given: `-- 100`. Both servers run all the time, and are asked in
//! turns that are short, so that what the machine does meanwhile it does to both; each turn is compared with its neighbour.
//! Servers and load share the machine: the server's processor time for a request is the figure to believe most.

#[path = "../../../instrument/benches/cost/measure/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a part of what the instrument is measured with is enough here")]
mod measure;
mod saturate;
mod server;

use measure::{Table, interleaved, quantile};
use server::{Answers, Server};
use std::time::Duration;

const DEFAULT_ROUNDS: usize = 20;

/// As many requests as the server can take: each connection sends the next when it has its answer.
const SATURATED: &str = "saturated";
const SATURATED_FOR: Duration = Duration::from_millis(500);
/// Requests that come at their time, as many a second as two cores bear, the generator's own work included.
const OPEN: &str = "at a fixed rate";
const OPEN_RATE: u32 = 1000;
const OPEN_FOR: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 32;

/// Settings of `STALLSCOPE`; the first is what the others are compared with.
const MODES: [&str; 3] = ["off", "full", "lean"];

/// What is measured of each turn.
const FIGURES: [&str; 4] = [
    "answers a second",
    "server's CPU us per request",
    "p50 ms, since it was due",
    "p99 ms, since it was due",
];

fn main() {
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(DEFAULT_ROUNDS);
    let servers = MODES.map(Server::start);
    for server in &servers {
        // Connections, caches and the allocator settle first.
        server.saturate(CONNECTIONS, SATURATED_FOR);
    }
    let how = format!(
        "each connection of {CONNECTIONS} sends the next request when it has its answer, {SATURATED_FOR:?} a turn"
    );
    measure(SATURATED, &how, rounds, |mode| servers[mode].saturate(CONNECTIONS, SATURATED_FOR));
    let how = format!("{OPEN_RATE} requests a second over {CONNECTIONS} connections, {OPEN_FOR:?} a turn");
    measure(OPEN, &how, rounds.div_ceil(4), |mode| servers[mode].load(CONNECTIONS, OPEN_RATE, OPEN_FOR));
}

fn measure(name: &str, how: &str, rounds: usize, turn: impl Fn(usize) -> Answers) {
    let mut measured = vec![vec![Vec::new(); MODES.len()]; FIGURES.len()];
    interleaved(rounds, MODES.len(), |mode| {
        let figures = turn(mode).figures();
        for (values, figure) in measured.iter_mut().zip(figures) {
            values[mode].push(figure);
        }
        figures[0]
    });
    let mut table = Table::new(name, &format!("{how}; {rounds} rounds"));
    for (about, values) in FIGURES.iter().zip(&measured) {
        table = table.group(about, MODES.into_iter().zip(values));
    }
    table.print();
    println!("  over \"{}\" in the same round: median (quartiles)", MODES[0]);
    for (about, values) in FIGURES.iter().zip(&measured) {
        for (mode, those) in MODES.iter().zip(values).skip(1) {
            let ratios: Vec<_> = those.iter().zip(&values[0]).map(|(this, base)| this / base).collect();
            let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(&ratios, share));
            println!("    {:36} {middle:8.3}   ({low:.3} to {high:.3})", format!("{about}, {mode}"));
        }
    }
}
