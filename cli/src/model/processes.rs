//! Several processes at once, each in a few figures.

use super::detail::FindingId;
use super::health::{Health, Level, health};
use super::process::Process;
use super::stalls::{cause, place};
use super::table::{Cell, Column, Cut, Row, Sign, Table, Tone, Value};
use crate::source::{Origin, process_name};
use stallscope::analysis::{self, Finding, Rule, Severity};
use stallscope_wire::{Header, Line, duration::show};
use std::time::Duration;

/// A process in a list of several.
#[derive(Debug, Clone)]
pub(crate) struct ProcessFigures {
    pub(crate) health: Health,
    /// How long it has run, in nanoseconds.
    pub(crate) up_ns: u64,
    /// Absent before its first state is known.
    pub(crate) workers: Option<usize>,
    /// Of the last minute, in nanoseconds; absent before the first probe.
    pub(crate) lag_p99_ns: Option<u64>,
    /// Threads that its own code blocks now, or a lock or call in it.
    pub(crate) stalls_now: usize,
}

impl ProcessFigures {
    /// As they are when the view's clock says `ours`.
    pub(crate) fn of(process: &Process, ours: Duration) -> Self {
        let now_ns = process.clock.now_ns(ours);
        Self {
            health: health(process, ours),
            up_ns: now_ns,
            workers: process.history.snapshot().map(stallscope_wire::Snapshot::worker_count),
            lag_p99_ns: process.lag.last_minute(now_ns).map(|figures| figures.p99_ns),
            stalls_now: process.ongoing().filter(|record| !record.blames_host()).count(),
        }
    }
}

const COLUMNS: [Column; 9] = [
    Column::figure("pid", "pid", 0, 8),
    Column::text("program", "program", 1, Cut::Start, (12, 60)),
    Column::text("health", "health", 0, Cut::End, (8, 16)),
    Column::figure("lag_p99_ns", "lag p99", 3, 9),
    Column::figure("stalls_now", "now", 4, 5),
    Column::text("worst", "worst so far", 1, Cut::Start, (16, 60)),
    Column::figure("worst_ns", "longest", 2, 9),
    Column::figure("up_ns", "up", 5, 8),
    Column::text(SENTENCE, "how it is", 6, Cut::End, (32, 120)),
];
/// The column with a process's health in a sentence.
pub(crate) const SENTENCE: &str = "sentence";

/// A row a process. Each is known by the text that goes with it.
pub(crate) fn table<'a>(
    processes: impl Iterator<Item = (String, &'a Process)>,
    ours: Duration,
    is_chosen: impl Fn(&str) -> bool,
) -> Table {
    let rows = processes.map(|(key, process)| {
        let sign = if is_chosen(&key) { Sign::Chosen } else { Sign::None };
        Row::new(key, cells(process, &ProcessFigures::of(process, ours))).with(sign)
    });
    Table::new(&COLUMNS, None, rows.collect())
}

const CULPRITS: [Column; 7] = [
    Column::text("where", "where", 0, Cut::Start, (18, 60)),
    Column::text("cause", "cause", 2, Cut::End, (16, 24)),
    Column::figure("count", "count", 1, 7),
    Column::figure("longest_ns", "longest", 1, 9),
    Column::figure("total_ns", "in all", 3, 9),
    Column::text("pids", "processes", 1, Cut::End, (12, 40)),
    Column::figure("waited_ns", "others waited", 4, 14).if_known(),
];

/// What did damage in any of these processes, first what cost others most.
pub(super) fn culprits(processes: &[&Process]) -> Table {
    let histories: Vec<_> = processes.iter().map(|process| &process.history).collect();
    let findings = analysis::findings(&histories);
    let stalls: Vec<_> =
        findings.iter().filter(|f| f.rule == Rule::BlockingPoll).map(|f| f.culprit.place()).collect();
    // Loop lag that a stall explains is told with the stall.
    let is_told = |f: &&Finding| f.rule != Rule::LoopLag || !stalls.contains(&f.culprit.place());
    Table::new(&CULPRITS, None, findings.iter().filter(is_told).map(|f| culprit(f, processes)).collect())
}

fn culprit(finding: &Finding, processes: &[&Process]) -> Row {
    let id = FindingId::of(finding);
    let pids: Vec<_> = processes
        .iter()
        .filter(|process| id.find(process).is_some())
        .map(|process| process.header().pid.to_string())
        .collect();
    let some = |ns: u64| Value::time(Some(ns).filter(|&ns| ns > 0));
    let tone = match (finding.ongoing, finding.severity) {
        (true, _) => Tone::Bad,
        (false, Severity::Error) => Tone::Strong,
        (false, Severity::Warning) => Tone::Warning,
        (false, _) => Tone::Dim,
    };
    let all = if pids.len() > 1 && pids.len() == processes.len() {
        format!("all {}", pids.len())
    } else {
        pids.join(", ")
    };
    let cells = vec![
        Cell::from(Value::Text(place(finding))).tone(tone),
        Value::Text(cause(finding)).into(),
        Value::Count(finding.count).into(),
        some(finding.max_ns).into(),
        some(finding.total_ns).into(),
        Value::Text(all).into(),
        some(finding.victims.delay_ns).into(),
    ];
    let sign = if finding.ongoing { Sign::Accused } else { Sign::None };
    Row::new(format!("{id:?}"), cells).with(sign)
}

fn cells(process: &Process, figures: &ProcessFigures) -> Vec<Cell> {
    let header = process.header();
    let tone = match figures.health.level {
        Level::Good | Level::Neutral => Tone::Plain,
        Level::Warning => Tone::Warning,
        Level::Bad => Tone::Bad,
    };
    // Who sorts by it wants the worst first.
    let urgency = -f64::from(figures.health.level as u8);
    let up_ns = figures.up_ns / 1_000_000_000 * 1_000_000_000;
    let (now, worst) = (figures.stalls_now as u64, process.worst());
    let longest_ns = worst.map(|worst| worst.attributable_max_ns).filter(|&ns| ns > 0);
    let program = if header.exe.is_empty() { process_name(header) } else { header.exe.clone() };
    vec![
        Cell::from(Value::Words(header.pid.to_string(), header.pid.into())).tone(Tone::Strong),
        Value::Text(program).into(),
        Cell::from(Value::Words(figures.health.word.to_owned(), urgency)).tone(tone),
        Value::time(figures.lag_p99_ns).into(),
        Cell::from(Value::Count(now)).tone(if now > 0 { Tone::Bad } else { Tone::Dim }),
        worst.map_or(Value::Unknown, |worst| Value::Text(worst.culprit.to_string())).into(),
        Value::time(longest_ns).into(),
        Cell::from(Value::Words(show(up_ns).to_string(), up_ns as f64)).tone(Tone::Dim),
        Value::Text(figures.health.to_string()).into(),
    ]
}

impl Process {
    /// A live process that has told these lines just now.
    pub(crate) fn told(header: Header, origin: Origin, lines: Vec<Line>) -> Self {
        let mut process = Self::new(header, origin);
        for line in lines {
            process.apply(line, Duration::ZERO);
        }
        process.settle();
        process
    }

    /// What did most damage: of what the code answers for, the first.
    pub(crate) fn worst(&self) -> Option<&Finding> {
        let accused = |finding: &&Finding| finding.severity != Severity::Info && finding.culprit.is_known();
        self.findings.iter().find(accused)
    }
}

/// A finding in a few words: the line, and how long it blocked or else what is wrong with it. Of a stall the machine's own
/// part is left out.
pub(crate) fn accusation(finding: &Finding) -> String {
    let culprit = &finding.culprit;
    match finding.rule {
        Rule::BlockingPoll => {
            format!("{culprit} {} ({})", show(finding.attributable_max_ns), finding.cause_in_words())
        }
        rule => format!("{culprit} {rule}"),
    }
}

/// Whether two processes run the same program with the same arguments: one was started again, or both are of one service.
pub(crate) fn is_alike(one: &Header, other: &Header) -> bool {
    one.exe == other.exe && one.command == other.command
}
