#[cfg(test)]
mod tests;

use super::process::{Conclusion, Process, why};
use super::window::LAST_MINUTE_NS;
use super::workers::thread_name;
use crate::source::Ending;
use stallscope::analysis::{Finding, Rule, Severity, StallRecord};
use stallscope_wire::{Cause, Certainty, Mode, Snapshot, Victims, counted, duration::show};
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// A live process says something several times a second; one that says nothing for so long is stopped or starved.
pub(crate) const SILENCE: Duration = Duration::from_secs(3);
/// A process that stalled within this time is not called healthy, in nanoseconds.
const RECENT_NS: u64 = 10_000_000_000;

/// How the process is, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) level: Level,
    /// The sentence in one word, which stands before it where there is room for signs.
    pub(crate) word: &'static str,
    pub(crate) sentence: Vec<Part>,
}

/// How much it wants to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Good,
    Neutral,
    Warning,
    Bad,
}

/// The level as programs know it.
pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Good => "good",
        Level::Neutral => "neutral",
        Level::Warning => "warning",
        Level::Bad => "bad",
    }
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Plain(String),
    /// What to look at.
    Strong(String),
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.level == Level::Good {
            f.write_str("healthy: ")?;
        }
        self.sentence.iter().try_for_each(|part| match part {
            Part::Plain(text) | Part::Strong(text) => f.write_str(text),
        })
    }
}

/// The most urgent thing that can be said.
pub(crate) fn health(process: &Process, ours: Duration) -> Health {
    let now_ns = process.clock.now_ns(ours);
    if let Some(conclusion) = &process.conclusion {
        return concluded(process, conclusion, now_ns);
    }
    if !process.is_live() && !process.past {
        return of(
            Level::Neutral,
            "READING",
            vec![plain(format!("reading the log: {} lines so far", process.lines))],
        );
    }
    let silent = process.clock.silent_for(ours);
    if silent >= SILENCE {
        let silent = show(u64::try_from(silent.as_nanos()).unwrap_or(u64::MAX));
        let shown = if process.history.snapshot().is_some() { "; last state shown" } else { "" };
        let text = format!("the process has said nothing for {silent}: it is stopped, or starved{shown}");
        return of(Level::Bad, "SILENT", vec![plain(text)]);
    }
    if process.history.snapshot().is_some_and(|snapshot| snapshot.mode == Mode::Off) {
        let text = "nothing is recorded: the mode is off";
        return of(Level::Warning, "OFF", vec![plain(text)]);
    }
    if let Some(blocked) = blocked(process, now_ns) {
        return blocked;
    }
    if process.history.snapshot().is_none() {
        return of(Level::Neutral, "WAITING", vec![plain("connected; waiting for the first state")]);
    }
    lagging(process)
        .or_else(|| losing(process))
        .or_else(|| stalling(process, now_ns))
        .or_else(|| lagged(process, now_ns))
        .unwrap_or_else(|| calm(process, now_ns))
}

fn blocked(process: &Process, now_ns: u64) -> Option<Health> {
    let ongoing: Vec<_> = process.ongoing().collect();
    let longest = *ongoing.iter().find(|record| !record.blames_host()).or(ongoing.first())?;
    let lasted = show(process.lasted_ns(longest, now_ns));
    let who = worker(process, longest);
    if longest.blames_host() {
        let text = format!(
            "the machine has not run {who} for {lasted}: it is busy elsewhere, the code is not to blame"
        );
        return Some(of(Level::Warning, "HOST BUSY", vec![plain(text)]));
    }
    let mut sentence = match ongoing.len() {
        1 => vec![plain(format!("{who} has been blocked {lasted} at "))],
        many => {
            let workers = ongoing.iter().all(|record| record.stall.thread.worker.is_some());
            let all =
                |snapshot: &Snapshot| if workers { snapshot.worker_count() } else { snapshot.workers.len() };
            let all = process.history.snapshot().map_or(0, all).max(many);
            let them = if workers { "workers" } else { "threads" };
            vec![plain(format!("{many} of {all} {them} are blocked, {who} the longest: {lasted} at "))]
        }
    };
    sentence.extend(place(process, longest, now_ns));
    let host_ns = process.lasted_ns(longest, now_ns) - process.answered_ns(longest, now_ns);
    if host_ns >= process.lasted_ns(longest, now_ns) / 5 && host_ns > 0 {
        sentence.push(plain(format!(", the machine took {} of it", show(host_ns))));
    }
    let waiting = waiting(process, longest);
    if let Some(who) = waiting.in_words() {
        sentence.push(plain(format!("; {who} {}", if waiting.count() == 1 { "waits" } else { "wait" })));
    }
    let level = if ongoing.iter().all(|record| record.is_probable()) { Level::Warning } else { Level::Bad };
    Some(of(level, "BLOCKED", sentence))
}

fn lagging(process: &Process) -> Option<Health> {
    let (wait_ns, limit_ns) = (process.lag.now_ns()?, process.header().lag_limit_ns);
    (limit_ns > 0 && wait_ns > limit_ns).then(|| {
        let text = format!(
            "new work waits {} before it is first polled (limit {}); no single poll is long now",
            show(wait_ns),
            show(limit_ns)
        );
        of(Level::Warning, "LAGGING", vec![plain(text)])
    })
}

/// Work that was started and does not get on: the first among the findings that go on.
fn losing(process: &Process) -> Option<Health> {
    let lost = |finding: &&Finding| finding.ongoing && lost_word(finding).is_some();
    let worst = process.findings.iter().find(lost)?;
    let level = if worst.severity == Severity::Error { Level::Bad } else { Level::Warning };
    lost_word(worst).map(|word| of(level, word, told(worst).into()))
}

/// Of the rules about work that may not get on now.
fn lost_word(finding: &Finding) -> Option<&'static str> {
    Some(match finding.rule {
        Rule::NeverPolled => "STARVING",
        Rule::LostTask => "LOST TASK",
        Rule::TaskLeak => "LEAKING",
        Rule::BlockingPool => "POOL FULL",
        // That ever more clients come is no harm by itself.
        Rule::SocketLeak if finding.certainty == Certainty::Exact => "LEAKING SOCKETS",
        Rule::AcceptBacklog if finding.severity == Severity::Error => "ACCEPT QUEUE FULL",
        Rule::AcceptBacklog => "ACCEPT QUEUE",
        _ => return None,
    })
}

/// A finding's own sentence; that it goes on is said as of now.
fn told(finding: &Finding) -> [Part; 2] {
    let mut ended = finding.clone();
    // What is kept now is said as of now.
    ended.ongoing &= finding.rule == Rule::SocketLeak;
    let (culprit, sentence) = (finding.culprit.to_string(), ended.to_string());
    let rest = sentence.strip_prefix(&culprit).unwrap_or(&sentence);
    let so_far = if finding.ongoing && !ended.ongoing { " so far" } else { "" };
    [Part::Strong(culprit), Part::Plain(format!("{rest}{so_far}"))]
}

/// The worst of what was lost, after what is said else.
fn lost_so_far(process: &Process) -> Vec<Part> {
    let lost = |finding: &&Finding| {
        matches!(finding.rule, Rule::DetachedPanic | Rule::NeverAwaited) || lost_word(finding).is_some()
    };
    let Some(worst) = process.findings.iter().find(lost) else { return Vec::new() };
    std::iter::once(plain("; ")).chain(told(worst)).collect()
}

fn stalling(process: &Process, now_ns: u64) -> Option<Health> {
    let since = now_ns.saturating_sub(RECENT_NS);
    let ended_ns = |record: &StallRecord| record.stall.started_ns.saturating_add(record.stall.duration_ns);
    let recent =
        || process.history.stalls().filter(|record| !record.blames_host() && ended_ns(record) >= since);
    let worst = recent().max_by_key(|record| process.answered_ns(record, now_ns))?;
    let (within, longest) = (show(RECENT_NS), show(process.answered_ns(worst, now_ns)));
    let mut sentence = vec![plain(match recent().count() {
        1 => format!("1 stall in the last {within}: {longest} at "),
        stalls => format!("{stalls} stalls in the last {within}; the worst {longest} at "),
    })];
    sentence.extend(place(process, worst, now_ns));
    Some(of(Level::Warning, "STALLING", sentence))
}

/// Nothing is wrong now, but the last minute was not what is called healthy.
fn lagged(process: &Process, now_ns: u64) -> Option<Health> {
    let (figures, limit_ns) = (process.lag.last_minute(now_ns)?, process.header().lag_limit_ns);
    if limit_ns == 0 || figures.p99_ns <= limit_ns {
        return None;
    }
    let since = now_ns.saturating_sub(LAST_MINUTE_NS);
    let recent = process.history.stalls().filter(|record| {
        !record.blames_host() && record.stall.started_ns.saturating_add(record.stall.duration_ns) >= since
    });
    // The line to open comes first: what does not fit a small screen is cut at the end.
    let mut sentence = match recent.max_by_key(|record| process.answered_ns(record, now_ns)) {
        Some(worst) => {
            let mut sentence = Vec::from(place(process, worst, now_ns));
            sentence.push(plain(format!(" blocked for {}; ", show(process.answered_ns(worst, now_ns)))));
            sentence
        }
        None => vec![plain("no single poll was long; ")],
    };
    sentence.push(plain(format!(
        "new work waited long in the last minute: p99 {}, limit {}",
        show(figures.p99_ns),
        show(limit_ns)
    )));
    Some(of(Level::Warning, "LAGGED", sentence))
}

fn calm(process: &Process, now_ns: u64) -> Health {
    let mut sentence = Vec::new();
    if let Some(figures) = process.lag.last_minute(now_ns) {
        sentence.push(plain(format!("loop lag p99 {}, ", show(figures.p99_ns))));
    }
    if let Some(snapshot) = process.history.snapshot() {
        let tasks: u64 = snapshot.runtimes.iter().map(|runtime| runtime.alive_tasks).sum();
        sentence.push(plain(format!(
            "{}, {}",
            counted(snapshot.worker_count() as u64, "worker"),
            counted(tasks, "task")
        )));
    }
    sentence.extend(worst_so_far(process));
    let lost = lost_so_far(process);
    if lost.is_empty() {
        return of(Level::Good, "HEALTHY", sentence);
    }
    sentence.extend(lost);
    of(Level::Warning, "LOST WORK", sentence)
}

fn concluded(process: &Process, conclusion: &Conclusion, now_ns: u64) -> Health {
    let at = clock_time(process.header().started_unix_ns.saturating_add(now_ns));
    let (level, word, end) = match conclusion {
        Conclusion::Ended(Ending::Orderly) if process.header().flight.is_some() => {
            let (recording, goes_on) = recording(process);
            let end = if goes_on { "the process went on" } else { "the process ended then" };
            let word = if goes_on { "RECORDED" } else { "ENDED" };
            (Level::Neutral, word, format!("{recording}, until {at}; {end}"))
        }
        Conclusion::Ended(Ending::Orderly) => (Level::Neutral, "ENDED", format!("the process ended at {at}")),
        Conclusion::Ended(Ending::Left) => {
            (Level::Neutral, "RECORDED", format!("the recording ended at {at}, and the process ran on"))
        }
        Conclusion::Ended(Ending::Abrupt) if process.is_live() => {
            (Level::Warning, "GONE", format!("the process went away at {at} without a word"))
        }
        Conclusion::Ended(Ending::Abrupt) => {
            (Level::Warning, "NO END", format!("the log stopped at {at} without its end mark"))
        }
        Conclusion::Ended(Ending::Cut) => {
            (Level::Warning, "CUT", format!("the log was cut in the middle of a line, at {at}"))
        }
        Conclusion::Failed(why) => (Level::Bad, "UNREADABLE", format!("reading stopped at {at}: {why}")),
    };
    let Some(blocked) = process.ongoing().find(|record| !record.blames_host()) else {
        let guess = match conclusion {
            Conclusion::Ended(Ending::Abrupt) if process.is_live() => ": killed, or crashed",
            Conclusion::Ended(Ending::Abrupt) => ": killed, or still running",
            _ => "",
        };
        let mut sentence = vec![plain(format!("{end}{guess}; last state shown"))];
        sentence.extend(worst_so_far(process));
        sentence.extend(lost_so_far(process));
        return of(level, word, sentence);
    };
    let lasted = show(process.lasted_ns(blocked, now_ns));
    let mut sentence = vec![plain(format!("{} was blocked {lasted} at ", worker(process, blocked)))];
    sentence.extend(place(process, blocked, now_ns));
    sentence.push(plain(format!(" when {end}")));
    of(level.max(Level::Warning), word, sentence)
}

/// What set off the flight recording that this is, and when; and whether its process went on after it.
fn recording(process: &Process) -> (String, bool) {
    let header = process.header();
    let flight = header.flight.clone().unwrap_or_default();
    let unix_ns = header.started_unix_ns.saturating_add(flight.at_ns);
    let day = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_nanos(unix_ns)).to_string();
    let (day, at) = (day.split('T').next().unwrap_or_default(), clock_time(unix_ns));
    (format!("flight recording because of {} on {day} at {at}", flight.trigger), flight.goes_on)
}

fn worst_so_far(process: &Process) -> Vec<Part> {
    let blocking = || process.findings.iter().filter(|finding| finding.rule == Rule::BlockingPoll);
    let Some(worst) = blocking().max_by_key(|finding| finding.attributable_max_ns) else { return Vec::new() };
    let stalls = counted(blocking().map(|finding| finding.count).sum(), "stall");
    vec![
        plain(format!("; {stalls} so far, the worst {} at ", show(worst.attributable_max_ns))),
        Part::Strong(worst.culprit.to_string()),
    ]
}

/// Who waits behind a stall: as its lines said, or as the worker's queue says now.
fn waiting(process: &Process, record: &StallRecord) -> Victims {
    let workers = process.history.snapshot().map_or(&[][..], |snapshot| &snapshot.workers);
    let queued = workers
        .iter()
        .find(|worker| worker.stall == Some(record.stall.id))
        .map_or(0, |worker| worker.local_queue);
    let told = &record.stall.victims;
    Victims { tasks: told.tasks.max(queued), ..told.clone() }
}

fn place(process: &Process, record: &StallRecord, now_ns: u64) -> [Part; 2] {
    let why = match record.stall.cause {
        Cause::Unknown => String::new(),
        _ => format!(" ({})", why(record)),
    };
    [Part::Strong(process.place_of(record, now_ns)), Part::Plain(why)]
}

/// A stalled thread as people call it: `worker 1`.
pub(crate) fn worker(process: &Process, record: &StallRecord) -> String {
    let runtimes = process.history.snapshot().map_or(&[][..], |snapshot| &snapshot.runtimes);
    let name = thread_name(runtimes, &record.stall.thread);
    if record.stall.thread.worker.is_some() { format!("worker {name}") } else { format!("thread {name}") }
}

/// Time of day; the date is not wanted on a screen that shows the last minute.
pub(crate) fn clock_time(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000 % 86_400;
    format!("{:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn plain(text: impl Into<String>) -> Part {
    Part::Plain(text.into())
}

fn of(level: Level, word: &'static str, sentence: Vec<Part>) -> Health {
    Health { level, word, sentence }
}
