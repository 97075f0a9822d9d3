use super::figure;
use super::process::Process;
use super::runtimes::{RuntimeFigures, runtimes};
use super::table::{Cell, Column, Cut, Row, Sign, Table, Tone, Value};
use stallscope_wire::duration::show;
use stallscope_wire::{Mode, Snapshot, Tier, counted};

/// From here on one worker does so much more than the others that it is told.
pub(crate) const UNEVEN: f64 = 2.0;

const COLUMNS: [Column; 3] = [
    Column::text("about", "about", 0, Cut::End, (8, 14)),
    Column::text("what", "what", 0, Cut::End, (8, 16)),
    Column::text("known", "known", 0, Cut::End, (20, 1000)),
];

/// What is known of the runtimes, of how they are watched, and of what is not seen: a line each. What is lost or not seen
/// comes first where there is any.
pub(super) fn table(process: &Process) -> Table {
    let mut facts = Facts::default();
    let snapshot = process.history.snapshot();
    let troubled = !process.history.coverage().missing.is_empty() || process.history.lost().any();
    if troubled {
        lost(&mut facts, process);
        not_seen(&mut facts, process);
    }
    for (runtime, figures) in snapshot.iter().flat_map(|snapshot| &snapshot.runtimes).zip(runtimes(process)) {
        of_runtime(&mut facts, process, snapshot, runtime, &figures);
    }
    if !troubled {
        lost(&mut facts, process);
        not_seen(&mut facts, process);
    }
    cost(&mut facts, process);
    watching(&mut facts, process);
    of_process(&mut facts, process);
    Table::new(&COLUMNS, None, facts.rows)
}

#[derive(Default)]
struct Facts {
    about: String,
    rows: Vec<Row>,
}

impl Facts {
    fn about(&mut self, about: &str) {
        self.about = about.to_owned();
    }

    fn add(&mut self, what: &str, known: impl Into<String>) {
        self.push(what, &known.into(), Tone::Plain);
    }

    fn push(&mut self, what: &str, known: &str, tone: Tone) {
        let cells = vec![
            Cell::from(Value::text(&self.about)).tone(Tone::Dim),
            Cell::from(if what.is_empty() { Value::Nothing } else { Value::text(what) }).tone(Tone::Strong),
            Cell::from(Value::text(known)).tone(tone),
        ];
        let sign = if matches!(tone, Tone::Bad | Tone::Warning) { Sign::Accused } else { Sign::None };
        let number = self.rows.iter().filter(|row| row.cells[..2] == cells[..2]).count();
        self.rows.push(Row::new(format!("{} {what} {number}", self.about), cells).with(sign));
    }
}

fn of_runtime(
    facts: &mut Facts,
    process: &Process,
    snapshot: Option<&Snapshot>,
    runtime: &stallscope_wire::Runtime,
    figures: &RuntimeFigures,
) {
    facts.about(figures.name.as_deref().unwrap_or("runtime"));
    let busy = f64::from(runtime.busy_permille) / 10.0;
    facts.add(
        "workers",
        format!("{}, {}; busy for {busy:.0} % of their time", runtime.workers, runtime.flavor),
    );
    facts.add("tasks", format!("{} alive", runtime.alive_tasks));
    facts.add("injection queue", waiting(runtime.injection_queue, "task", "for any worker"));
    let of_it = snapshot.iter().flat_map(|snapshot| &snapshot.workers);
    let local: Vec<_> = of_it
        .filter(|worker| worker.runtime == runtime.id && worker.index.is_some())
        .map(|worker| worker.local_queue)
        .collect();
    let (sum, longest) = (local.iter().sum::<u64>(), local.iter().max().copied().unwrap_or(0));
    facts.add("local queues", format!("{} in all, {longest} in the longest", counted(sum, "task")));
    if let Some(pool) = figures.pool {
        let tone = if pool.waiting > 0 { Tone::Warning } else { Tone::Plain };
        let jobs = waiting(pool.waiting, "job", "for a thread");
        let told = format!("{} busy, {} idle; {jobs}", counted(pool.busy, "thread"), pool.idle);
        facts.push("blocking pool", &told, tone);
    }
    if let Some(yields) = figures.forced_yields {
        let pace = process.tasks.forced_yields().filter(|_| process.history.runtimes() == 1);
        let pace = pace.map_or_else(String::new, |pace| format!(", {}/s", figure::rate(pace)));
        let told = match yields {
            0 => "none: no task has used up its budget in one poll".to_owned(),
            _ => format!("{}{pace}: tasks that used up their budget in one poll", figure::count(yields)),
        };
        facts.add("forced yields", told);
    }
    match figures.imbalance {
        Some(times) => {
            let tone = if times >= UNEVEN { Tone::Warning } else { Tone::Plain };
            facts.push("balance", &format!("the busiest worker has {times:.1}× the mean"), tone);
        }
        None if runtime.workers > 1 => facts.add("balance", "too little work to tell"),
        None => {}
    }
    if let Some(overflows) = snapshot.and_then(|snapshot| overflows(snapshot, runtime.id)) {
        facts.add("overflows", format!("{} times a local queue was full", figure::count(overflows)));
    }
}

fn waiting(count: u64, noun: &str, whom: &str) -> String {
    format!("{} {} {whom}", counted(count, noun), if count == 1 { "waits" } else { "wait" })
}

fn overflows(snapshot: &Snapshot, runtime: u64) -> Option<u64> {
    let of_it = snapshot.workers.iter().filter(|worker| worker.runtime == runtime);
    of_it.filter_map(|worker| worker.overflow_count).reduce(u64::saturating_add)
}

fn not_seen(facts: &mut Facts, process: &Process) {
    facts.about("not seen");
    let missing = &process.history.coverage().missing;
    if missing.is_empty() {
        facts.add("nothing", "all that is promised is seen");
    }
    for gap in missing {
        let what = if gap.hides_stalls { "may hide stalls" } else { "" };
        facts.push(what, &format!("{}: {}", gap.what, gap.cure), Tone::Warning);
    }
    let startup = process.history.snapshot().map(|snapshot| snapshot.startup).unwrap_or_default();
    if startup.long_polls > 0 {
        let polls = counted(startup.long_polls, "long poll");
        facts.add("start-up", format!("{polls} excused, the longest {}", show(startup.longest_ns)));
    }
}

fn lost(facts: &mut Facts, process: &Process) {
    facts.about("lost");
    let lost = process.history.lost();
    if !lost.any() && lost.recordings == 0 {
        facts.add("nothing", "no event, stack or line was dropped");
    }
    let kinds = [
        ("events", lost.events, "long polls and stall reports: a queue was full"),
        ("stacks", lost.stacks, "could not be captured or unwound"),
        ("locations", lost.locations, "spawns, polls and ends of tasks whose spawn line found no room"),
        ("first polls", lost.first_polls, "tasks whose wait for their first poll was not followed"),
        ("lines", lost.lines, "dropped at the log's size limit, or for a reader that was too slow"),
    ];
    for (what, count, why) in kinds.into_iter().filter(|(_, count, _)| *count > 0) {
        facts.push(what, &format!("{}: {why}", figure::count(count)), Tone::Bad);
    }
    if lost.recordings > 0 {
        // Nothing that is shown here is missing because of it.
        let why =
            "flight recordings not made: one within the minute before, or no room; no figure is missing";
        facts.push("recordings", &format!("{}: {why}", figure::count(lost.recordings)), Tone::Warning);
    }
}

fn cost(facts: &mut Facts, process: &Process) {
    facts.about("cost");
    let Some(figures) = process.cost.figures(process.header().tier, process.history.mode()) else { return };
    let percent = |share: f64| match share * 100.0 {
        percent if percent < 0.01 => "less than 0.01 %".to_owned(),
        percent => format!("{percent:.2} %"),
    };
    let own = figures.own.map_or_else(
        || "not told: a kernel without schedstat, or an older Stallscope in the process".to_owned(),
        |(share, ns)| {
            let all = show(ns / 1_000_000 * 1_000_000);
            format!("{} of a processor lately, {all} since the start", percent(share))
        },
    );
    facts.add("own threads", own);
    let polls = figure::rate(figures.polls_per_second);
    let recording = figures.recording.map_or_else(
        || format!("{polls}/s, not timed one by one"),
        |share| format!("{polls}/s, about {} of a processor to record them (estimated)", percent(share)),
    );
    facts.add("polls", recording);
}

fn watching(facts: &mut Facts, process: &Process) {
    let header = process.header();
    facts.about("watching");
    let tier = match header.tier {
        Tier::Exact => "exact: tokio's hooks tell of every poll",
        Tier::Sampled => "sampled: threads are looked at from outside",
        _ => "none: nothing is seen of the polls",
    };
    facts.add("tier", tier);
    let mode = match process.history.mode() {
        Mode::Full => "full: every poll is timed",
        Mode::Lean => "lean: one poll in 64 is timed",
        _ => "off: nothing is recorded",
    };
    facts.add("mode", mode);
    let limits = [
        ("stall from", header.threshold_ns),
        ("lag from", header.lag_limit_ns),
        ("lag probe", header.probe_interval_ns),
        ("never polled", header.never_polled_ns),
        ("lost task", header.lost_task_ns),
        ("pool wait", header.pool_limit_ns),
        ("leak window", header.leak_window_ns),
        ("CLOSE_WAIT", header.close_wait_ns),
    ];
    for (what, limit_ns) in limits.into_iter().filter(|(_, ns)| *ns > 0) {
        facts.add(what, show(limit_ns).to_string());
    }
    let versions = &header.versions;
    if !versions.stallscope.is_empty() {
        facts.add("version", format!("Stallscope {}, {} build", versions.stallscope, versions.profile));
    }
}

fn of_process(facts: &mut Facts, process: &Process) {
    let header = process.header();
    facts.about("process");
    facts.add("program", header.exe.clone());
    facts.add("command", header.command.join(" "));
    facts.add("processors", counted(u64::from(header.cpus), "processor"));
    if let Some(root) = process.history.source_root() {
        facts.add("sources", root.to_owned());
    }
}
