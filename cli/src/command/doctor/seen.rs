//! What an instrumented process tells of itself, now or in its log.

use super::binary::Binary;
use super::item::Item;
use super::project::ONE_CHECKOUT;
use crate::failure::Failure;
use crate::source::{Message, Source, Target};
use serde::Deserialize;
use stallscope::analysis::History;
use stallscope_wire::duration::show;
use stallscope_wire::{Header, MAJOR, MINOR, Mode, Tier, counted};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a process is listened to: its sockets are told once a second.
const LISTENED: Duration = Duration::from_millis(1500);
/// The version of this command; the instrument's grows with it.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// What a target has told.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) history: History,
    /// Workers and threads of the blocking pools of its runtimes, at each look.
    pub(super) threads: Vec<u64>,
    /// The form of a log's lines, major and minor.
    form: Option<(u32, u32)>,
}

impl Told {
    /// Listens to a process for a while, or reads a log to its end.
    pub(super) fn of(source: &Source) -> Result<Self, Failure> {
        let mut told = Self { history: History::new(source.header.clone()), threads: Vec::new(), form: None };
        let until = source.is_live().then(|| Instant::now() + LISTENED);
        loop {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            match source.messages.recv_timeout(left) {
                Ok(Message::Line(line, _)) => {
                    told.history.apply(*line);
                    told.count_threads();
                }
                Ok(Message::Ended(ending)) => {
                    told.history.set_cut(ending == crate::source::Ending::Cut);
                    return Ok(told);
                }
                Ok(Message::Failed(error)) => return Err(Failure::usage(error)),
                Err(_) => return Ok(told),
            }
        }
    }

    fn count_threads(&mut self) {
        let Some(snapshot) = self.history.snapshot() else { return };
        let of = |runtime: &stallscope_wire::Runtime| u64::from(runtime.workers) + runtime.blocking_threads;
        self.threads.push(snapshot.runtimes.iter().map(of).sum());
    }
}

/// A live socket, or an event log.
pub(super) fn of_path(path: &Path) -> Result<Vec<Item>, Failure> {
    let source = Source::open(&Target::Path(path.to_owned())).map_err(Failure::usage)?;
    if source.is_live() {
        return super::process::instrumented(source.header.pid, &source);
    }
    let mut told = Told::of(&source)?;
    told.form = form_of(path);
    let mut items = of_told(&told);
    items.push(ending(&told.history));
    items.extend(symbols_of_log(told.history.header()));
    Ok(items)
}

/// The version of the lines, which stands in the first of them.
fn form_of(log: &Path) -> Option<(u32, u32)> {
    #[derive(Deserialize)]
    struct Form {
        stallscope: u32,
        #[serde(default)]
        minor: u32,
    }
    let mut first = String::new();
    BufReader::new(File::open(log).ok()?).read_line(&mut first).ok()?;
    let form: Form = serde_json::from_str(&first).ok()?;
    Some((form.stallscope, form.minor))
}

/// What holds for a process and for a log.
pub(super) fn of_told(told: &Told) -> Vec<Item> {
    let history = &told.history;
    let mut items = vec![who(history), version(history.header(), told.form), tier(history), mode(history)];
    items.extend(hooks(history));
    for gap in &history.coverage().missing {
        items.push(Item::gap("not seen", gap.what.clone(), gap.cure.clone()));
    }
    items.extend(lost(history));
    items.push(listed_sockets(history));
    items
}

fn who(history: &History) -> Item {
    let header = history.header();
    let (pid, exe) = (header.pid, &header.exe);
    let threshold = show(header.threshold_ns);
    let found = format!("process {pid} ({exe}) tells of polls from {threshold} on");
    match header.tier {
        Tier::None => Item::bad(
            "instrument",
            format!("process {pid} ({exe}) tells that nothing is watched"),
            "look at what it wrote to stderr when it started: set-up failed, or STALLSCOPE=off",
        ),
        _ if history.is_watched() => Item::good("instrument", found),
        _ => Item::gap(
            "instrument",
            format!("{found}; no poll was seen"),
            "look again while it works; install Stallscope on the builder of the runtime that runs the tasks",
        ),
    }
}

fn version(header: &Header, form: Option<(u32, u32)>) -> Item {
    const NAME: &str = "version";
    let theirs = &header.versions.stallscope;
    let profile = &header.versions.profile;
    if let Some((major, minor)) = form.filter(|form| *form > (MAJOR, MINOR)) {
        return Item::gap(
            NAME,
            format!(
                "it writes lines of the form {major}.{minor}, and this command knows {MAJOR}.{MINOR}: what is new in them is not shown"
            ),
            format!(
                "install the command of version {theirs}: cargo install --path cli in the checkout that the program is built with"
            ),
        );
    }
    let form = form.map(|(major, minor)| format!(", lines of the form {major}.{minor}")).unwrap_or_default();
    if theirs == OWN || theirs.is_empty() {
        return Item::good(NAME, format!("stallscope {OWN} in both, {profile} build{form}"));
    }
    Item::gap(
        NAME,
        format!("the program has stallscope {theirs} ({profile} build{form}), this command is {OWN}"),
        ONE_CHECKOUT,
    )
}

fn tier(history: &History) -> Item {
    const NAME: &str = "tier";
    match history.header().tier {
        Tier::Exact => Item::good(NAME, "exact: every poll is seen, with its task and spawn line"),
        Tier::Sampled => Item::gap(
            NAME,
            "sampled: calls that block are found, computing is told as probable only, tasks are not told apart",
            "build with --cfg tokio_unstable (in .cargo/config.toml, or for one run stallscope check --exact -- cargo \
             test), and use #[stallscope::main] or stallscope::install",
        ),
        _ => Item::bad(NAME, "none: nothing is seen", "see what the program wrote to stderr when it started"),
    }
}

fn mode(history: &History) -> Item {
    const NAME: &str = "mode";
    match history.mode() {
        Mode::Full => Item::good(NAME, "full: every poll is timed"),
        Mode::Lean => Item::note(NAME, "lean: one poll in 64 is timed; stalls are all seen"),
        _ => Item::bad(
            NAME,
            "off: nothing is recorded",
            "switch it on: key m in stallscope watch, or stallscope::set_mode",
        ),
    }
}

/// Whether our hooks are called; that the app has replaced them, the gaps say.
fn hooks(history: &History) -> Option<Item> {
    let replaced = history.coverage().missing.iter().any(|gap| gap.what.contains("replaced our hook"));
    let polls = history.polls();
    (history.header().tier == Tier::Exact && !replaced && polls > 0)
        .then(|| Item::good("hooks", format!("tokio calls them: {polls} polls so far")))
}

fn lost(history: &History) -> Option<Item> {
    let lost = history.lost();
    let kinds = [
        (lost.events, "report"),
        (lost.stacks, "stack"),
        (lost.locations, "task without its spawn location"),
        (lost.first_polls, "wait for a first poll"),
        (lost.lines, "line"),
    ];
    let kinds: Vec<_> =
        kinds.into_iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(count, noun)).collect();
    lost.any().then(|| {
        Item::gap(
            "dropped",
            format!("{}: the numbers leave them out", kinds.join(", ")),
            "raise STALLSCOPE_THRESHOLD where stalls come too thick; a log that is full drops its oldest details",
        )
    })
}

fn listed_sockets(history: &History) -> Item {
    const NAME: &str = "sockets";
    match history.sockets() {
        Some(told) => Item::good(NAME, format!("{} listed", counted(told.total, "open socket"))),
        None => Item::note(NAME, "none was listed so far"),
    }
}

fn ending(history: &History) -> Item {
    const NAME: &str = "end";
    let lasted = show(history.observed_ns());
    if history.complete() {
        return Item::good(NAME, format!("the log is whole: {lasted}"));
    }
    let why = if history.cut() { "is cut in the middle of a line" } else { "has no end" };
    Item::gap(
        NAME,
        format!("the log {why} after {lasted}: its process was killed, or still runs"),
        "end the program in order, so that its guard is dropped; check takes it with --allow-incomplete",
    )
}

/// The executable may have been built anew since.
fn symbols_of_log(header: &Header) -> Option<Item> {
    let path = Path::new(&header.exe);
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(match Binary::read(path) {
        Ok(binary) => binary.symbols(),
        Err(error) => Item::note("symbols", format!("{}: {error}", path.display())),
    })
}
