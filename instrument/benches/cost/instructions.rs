//! How many instructions the instrument adds to a poll and to a park, against the figures that were committed.
//!
//! Instructions are no time, but they are nearly the same each time, and so a build can fail by them: nothing gets onto the
//! poll path unseen.

use crate::measure::{child, steps};
use crate::poll::Yields;
use crate::variant::Variant;
use stallscope_instrument::Config;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, exit};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

/// Polls between two looks of tokio's at its drivers.
const POLLS: u32 = 61;
const PARKS: u32 = 16;
/// In which the watchdog finds the runtime and sends its first probe, the last for an hour.
const SETTLING: Duration = Duration::from_millis(500);
/// Set to write the figures instead of comparing them.
const UPDATE: &str = "UPDATE_INSTRUCTIONS";

const PATHS: [&str; 2] = ["poll", "park"];
/// The first is what the others are compared with.
const VARIANTS: [Variant; 4] = [Variant::Plain, Variant::Full, Variant::Lean, Variant::Off];

/// By how many percent a path may grow until somebody has to say that it is worth it. Two counts of a poll are the same but
/// in mode lean, which draws the polls that it times; those of a park differ by a tenth, with what the thread meets there.
fn tolerance(name: &str) -> f64 {
    if name.starts_with("poll") && !name.ends_with("lean") { 5.0 } else { 25.0 }
}

pub(crate) fn run(_: usize) {
    if !steps::AVAILABLE {
        println!("\ninstructions\n  not counted: that takes x86_64 Linux");
        return;
    }
    println!("\ninstructions\n  per cycle on a current_thread runtime, counted one by one");
    let counted = PATHS.map(|path| (path, VARIANTS.map(|variant| (variant, count(path, variant)))));
    let mut added = Vec::new();
    for (path, variants) in counted {
        let plain = variants[0].1;
        println!("  {path}");
        for (variant, instructions) in variants {
            println!("    {:32} {instructions:10.1} {:+10.1}", variant.name(), instructions - plain);
            if variant.is_watched() {
                added.push((format!("{path} {}", variant.name()), instructions - plain));
            }
        }
    }
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(figures(), Figures::new(added).text()).expect("the figures can be written");
        println!("  written to {}", figures().display());
    } else if let Err(complaint) = Figures::committed().compare(&added) {
        eprintln!("error: {complaint}");
        exit(1);
    }
}

/// Instructions per cycle of a path, in a process of its own.
fn count(path: &str, variant: Variant) -> f64 {
    let figures = child::measure("instructions", &format!("{path}-{}", variant.name()));
    figures["instructions"][0]
}

pub(crate) fn child(variant: &str) {
    let (path, variant) = variant.split_once('-').expect("a path and a variant");
    let variant = Variant::named(variant);
    // Counted, instructions take a thousand times as long: nothing is to be a stall because of that, and no probe to be
    // polled in between.
    let hour = Duration::from_secs(3600);
    let settings = Config::new().threshold(hour).lag_limit(hour).probe_interval(hour).grace(hour);
    match path {
        "poll" => {
            let (runtime, _guard) = variant.build(Builder::new_current_thread(), settings);
            cycles(POLLS, |count| {
                runtime.block_on(async { tokio::spawn(Yields(count)).await.expect("it ends") });
            });
        }
        _ => {
            // A hook of the app's wakes the root future just before its thread would wait, so that it does not.
            let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
            let wake = {
                let waker = Arc::clone(&waker);
                move || {
                    if let Some(waker) = waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
                        waker.wake();
                    }
                }
            };
            let mut builder = Builder::new_current_thread();
            if !variant.is_watched() {
                builder.on_thread_park(wake.clone());
            }
            let (runtime, _guard) = variant.build(builder, settings.on_thread_park(wake));
            cycles(PARKS, |count| {
                let mut left = count;
                runtime.block_on(std::future::poll_fn(|context| {
                    if left == 0 {
                        return Poll::Ready(());
                    }
                    left -= 1;
                    *waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
                    Poll::Pending
                }));
            });
        }
    }
}

/// Counts cycles, and twice as many: what these differ by is the cycles' own. What happens but once, as a probe does that
/// comes late, only adds, and so the least of several counts is without it.
fn cycles(count: u32, mut run: impl FnMut(u32)) {
    let begun = Instant::now();
    while begun.elapsed() < SETTLING {
        run(count);
        thread::sleep(Duration::from_millis(5));
    }
    let mut least = |cycles| (0..3).map(|_| steps::count(|| run(cycles))).min().unwrap_or(0);
    let (once, twice) = (least(count), least(2 * count));
    child::tell("instructions", (twice as f64 - once as f64) / f64::from(count));
}

fn figures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/cost/instructions.txt"))
}

/// What the instrument adds, by path and mode, and the compiler that made it so.
struct Figures {
    rustc: String,
    added: BTreeMap<String, f64>,
}

impl Figures {
    fn new(added: Vec<(String, f64)>) -> Self {
        Self { rustc: rustc(), added: added.into_iter().collect() }
    }

    fn committed() -> Self {
        let text = std::fs::read_to_string(figures()).expect("the figures are beside the benchmark");
        let mut committed = Self { rustc: String::new(), added: BTreeMap::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.rsplit_once(' ').expect("a name and a figure") {
                ("rustc", version) => version.clone_into(&mut committed.rustc),
                (name, figure) => {
                    committed.added.insert(name.to_owned(), figure.parse().expect("a figure"));
                }
            }
        }
        committed
    }

    fn text(&self) -> String {
        let mut text = format!(
            "# Instructions that are added to a cycle on x86_64: path, mode, figure. Written by\n# {UPDATE}=1 cargo bench -p \
             stallscope-instrument -- instructions\nrustc {}\n",
            self.rustc
        );
        for (name, figure) in &self.added {
            let _ = writeln!(text, "{name} {figure:.1}");
        }
        text
    }

    /// What has grown.
    fn compare(&self, added: &[(String, f64)]) -> Result<(), String> {
        let mut complaints = Vec::new();
        for (name, now) in added {
            let Some(before) = self.added.get(name) else {
                complaints.push(format!("{name} adds {now:.1} instructions, and no figure is committed"));
                continue;
            };
            let more = (now / before - 1.0) * 100.0;
            if more > tolerance(name) {
                complaints.push(format!(
                    "{name} adds {now:.1} instructions, {more:.0} % more than the {before:.1} that are committed"
                ));
            } else if more < -tolerance(name) {
                println!(
                    "  {name} has become less than the {before:.1} that are committed: {UPDATE}=1 keeps it so"
                );
            }
        }
        if self.rustc != rustc() {
            let other =
                format!("the committed figures are those of rustc {}, and this is {}", self.rustc, rustc());
            if complaints.is_empty() {
                println!("  {other}");
            } else {
                complaints.push(other);
            }
        }
        if complaints.is_empty() {
            return Ok(());
        }
        complaints.push(format!(
            "help: if it is worth that, commit what this writes: {UPDATE}=1 cargo bench -p stallscope-instrument -- instructions"
        ));
        Err(complaints.join("\n  "))
    }
}

/// The version of the compiler at hand, which is the one that this was built with where cargo runs it.
fn rustc() -> String {
    let output =
        Command::new("rustc").arg("--version").output().expect("rustc is there where cargo is").stdout;
    let version = String::from_utf8(output).expect("its version is text");
    version.split(' ').nth(1).unwrap_or("unknown").to_owned()
}
