//! What it costs to be watched.
//!
//! `cargo bench -p stallscope-instrument` measures everything; parts may be named, and the number of rounds given:
//! `cargo bench -p stallscope-instrument -- poll spawn 30`.
//!
//! The machine's speed changes, so variants are measured in turns, and what is to be believed is a ratio or a difference of
//! medians. CPU time is counted wherever it can be, since others may run meanwhile.

mod instructions;
mod measure;
mod memory;
mod poll;
#[cfg(feature = "http")]
mod requests;
mod sockets;
mod spawn;
mod stalls;
mod variant;
mod watchdog;

use measure::child;
use std::env;

/// Something that is measured.
struct Part {
    name: &'static str,
    run: fn(usize),
    /// Rounds that are enough.
    rounds: usize,
}

const PARTS: &[Part] = &[
    Part { name: "poll", run: poll::run, rounds: 15 },
    Part { name: "spawn", run: spawn::run, rounds: 15 },
    Part { name: "memory", run: memory::run, rounds: 3 },
    Part { name: "watchdog", run: watchdog::run, rounds: 3 },
    Part { name: "stalls", run: stalls::run, rounds: 5 },
    Part { name: "sockets", run: sockets::run, rounds: 3 },
    #[cfg(feature = "http")]
    Part { name: "requests", run: requests::run, rounds: 15 },
    Part { name: "instructions", run: instructions::run, rounds: 1 },
];

fn main() {
    match child::role().as_deref() {
        None => {}
        Some([part, variant]) => {
            return match part.as_str() {
                "memory" => memory::child(variant),
                "watchdog" => watchdog::child(variant),
                "stalls" => stalls::child(variant),
                "sockets" => sockets::child(variant),
                "instructions" => instructions::child(variant),
                _ => unreachable!("{part} runs in no process of its own"),
            };
        }
        Some(_) => unreachable!("a role is a part and a variant"),
    }
    // Cargo passes `--bench`, and what the user gives after `--`.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let rounds: Option<usize> = arguments.iter().find_map(|argument| argument.parse().ok());
    let named: Vec<&String> =
        arguments.iter().filter(|argument| argument.parse::<usize>().is_err()).collect();
    if let Some(unknown) = named.iter().find(|named| !PARTS.iter().any(|part| part.name == **named)) {
        let parts: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        let parts = parts.join(", ");
        eprintln!("error: there is no benchmark {unknown}; there are: {parts}");
        std::process::exit(2);
    }
    for part in PARTS {
        if named.is_empty() || named.iter().any(|named| *named == part.name) {
            (part.run)(rounds.unwrap_or(part.rounds).max(1));
        }
    }
}
