//! A trace in Chrome's Trace Event format, which Perfetto opens: a track a worker with what blocked it, and what there was of
//! lag and queues.

mod event;
mod tracks;

use super::{Material, Run};
use event::{Event, Phase};
use serde::Serialize;
use serde_json::{Value, json};
use stallscope::analysis::{Culprit, Frame, StallRecord, short_place};
use stallscope_wire::{Doing, Owner, SlowRequest};
use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::Path;
use tracks::Tracks;

/// Frames of a stack that are told.
const FRAMES: usize = 64;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    trace_events: &'a [Event],
    display_time_unit: &'static str,
    other_data: Value,
}

/// Writes it, events in the order of time, after those that name things.
pub(super) fn write(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    let events = events(of.runs);
    let other_data = json!({
        "made by": "stallscope report",
        "verdict": of.report.verdict,
        "time 0 in nanoseconds since the Unix epoch": origin_ns(of.runs).to_string(),
        "long polls left out": of.runs.iter().map(|run| run.course.polls_left_out).sum::<u64>(),
    });
    let document = Document { trace_events: &events, display_time_unit: "ms", other_data };
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

fn origin_ns(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.history.header().started_unix_ns).min().unwrap_or(0)
}

fn events(runs: &[Run]) -> Vec<Event> {
    let origin_ns = origin_ns(runs);
    let (mut names, mut events) = (Vec::new(), Vec::new());
    for (run, pid) in runs.iter().zip(pids(runs)) {
        let since_ns = run.history.header().started_unix_ns - origin_ns;
        Process { run, pid, since_ns, tracks: Tracks::of(run) }.tell(&mut names, &mut events);
    }
    let mut events: Vec<_> = events.into_iter().enumerate().collect();
    // Of what begins at one time, the longest holds the others, which were told after it; of what ends at one time, it ends last.
    events.sort_by_key(|(told, event)| match event.phase {
        Phase::End => (event.at_ns, 0, Reverse(*told as u64)),
        _ => (event.at_ns, 1, Reverse(event.lasts_ns.unwrap_or(0))),
    });
    names.into_iter().chain(events.into_iter().map(|(_, event)| event)).collect()
}

/// Process ids, each once: two of one log folder may have had the same.
fn pids(runs: &[Run]) -> Vec<u64> {
    let mut taken = Vec::new();
    for run in runs {
        let mut pid = u64::from(run.history.header().pid).max(1);
        while taken.contains(&pid) {
            pid += tracks::BEYOND;
        }
        taken.push(pid);
    }
    taken
}

struct Process<'a> {
    run: &'a Run,
    pid: u64,
    /// When it started, on the trace's clock.
    since_ns: u64,
    tracks: Tracks,
}

impl Process<'_> {
    fn tell(&self, names: &mut Vec<Event>, events: &mut Vec<Event>) {
        let header = self.run.history.header();
        let name = Path::new(&header.exe).file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| "process".to_owned());
        names.push(Event::meta("process_name", self.pid, None, json!({ "name": name })));
        names.push(Event::meta(
            "process_labels",
            self.pid,
            None,
            json!({ "labels": header.command.join(" ") }),
        ));
        for (order, track) in self.tracks.iter().enumerate() {
            names.push(Event::meta("thread_name", self.pid, Some(track.tid), json!({ "name": track.name })));
            let order = json!({ "sort_index": order });
            names.push(Event::meta("thread_sort_index", self.pid, Some(track.tid), order));
        }
        self.stalls(events);
        self.polls(events);
        self.waits(events);
        self.requests(events);
        self.counters(events);
    }

    fn event(&self, phase: Phase, name: String, category: &'static str, at_ns: u64) -> Event {
        Event::new(phase, name, category, self.pid, self.since_ns.saturating_add(at_ns))
    }

    fn stalls(&self, events: &mut Vec<Event>) {
        for record in self.run.history.stalls() {
            let stall = &record.stall;
            let Some(tid) = self.tracks.of_stall(stall) else { continue };
            let name = Culprit::of(record).to_string();
            let event = self.event(Phase::Complete, name, "stall", stall.started_ns);
            events.push(event.on(tid).lasting(stall.duration_ns).with(about(record)));
        }
    }

    /// Polls that were long when they were seen, where they are not part of a stall that is told.
    fn polls(&self, events: &mut Vec<Event>) {
        let mut free = self.tracks.free_times(&self.run.history);
        for poll in &self.run.course.polls {
            let tid = self.tracks.of_thread(poll.thread);
            if !free.take(tid, poll.began_ns, poll.seen_for_ns) {
                continue;
            }
            let name = match &poll.spawned_at {
                Some(spawned_at) => format!("poll of a task spawned at {}", short_place(spawned_at)),
                None => "poll of a root future, or the runtime's own work".to_owned(),
            };
            let about = json!({
                "task": poll.task,
                "spawned_at": poll.spawned_at,
                "note": "seen in progress; it lasted for longer than this",
            });
            let event = self.event(Phase::Complete, name, "poll", poll.began_ns);
            events.push(event.on(tid).lasting(poll.seen_for_ns).with(about));
        }
    }

    /// What new work waited, and times in which the machine did not run the process. They may overlap.
    fn waits(&self, events: &mut Vec<Event>) {
        let history = &self.run.history;
        for (number, lag) in history.lags().enumerate() {
            let begin_ns = lag.at_ns.saturating_sub(lag.wait_ns);
            let about = json!({
                "runtime": lag.runtime,
                "attributable_ms": lag.attributable_ns as f64 / 1e6,
                "stalls": lag.stalls,
                "ongoing": lag.ongoing,
            });
            let id = format!("lag-{number}");
            self.pair(events, ("loop lag: new work waits", "lag"), id, (begin_ns, lag.wait_ns), about);
        }
        for (number, pause) in history.pauses().enumerate() {
            let begin_ns = pause.at_ns.saturating_sub(pause.gap_ns);
            let id = format!("pause-{number}");
            let name = ("the machine does not run the process", "host");
            self.pair(events, name, id, (begin_ns, pause.gap_ns), json!({}));
        }
    }

    /// The slowest requests, with what they did one after the other.
    fn requests(&self, events: &mut Vec<Event>) {
        let slowest = self.run.history.handlers().into_iter().flat_map(|handlers| &handlers.slowest);
        for (number, slow) in slowest.enumerate() {
            let id = format!("request-{number}");
            let about = json!({ "request_id": slow.request.id, "status": slow.status });
            let span = (slow.started_ns, slow.took_ns);
            self.pair(events, (&slow.request.route, "request"), id.clone(), span, about);
            self.steps(events, slow, &id);
        }
    }

    fn steps(&self, events: &mut Vec<Event>, slow: &SlowRequest, id: &str) {
        let (mut at_ns, end_ns) = (slow.started_ns, slow.started_ns.saturating_add(slow.took_ns));
        for step in &slow.timeline {
            let name = match step.doing {
                Doing::Own => "its handler runs",
                Doing::Behind => "ready, behind others",
                _ => "awaits",
            };
            let lasts_ns = step.for_ns.min(end_ns.saturating_sub(at_ns));
            self.pair(events, (name, "request"), id.to_owned(), (at_ns, lasts_ns), json!({}));
            at_ns = at_ns.saturating_add(lasts_ns);
        }
    }

    fn pair(
        &self,
        events: &mut Vec<Event>,
        (name, category): (&str, &'static str),
        id: String,
        (begin_ns, lasts_ns): (u64, u64),
        about: Value,
    ) {
        if lasts_ns == 0 {
            return;
        }
        let begin = self.event(Phase::Begin, name.to_owned(), category, begin_ns);
        let end = self.event(Phase::End, name.to_owned(), category, begin_ns.saturating_add(lasts_ns));
        events.push(begin.lasting(lasts_ns).called(id.clone()).with(about));
        events.push(end.called(id));
    }

    fn counters(&self, events: &mut Vec<Event>) {
        let mut count = |name: &str, at_ns, values| {
            events.push(self.event(Phase::Counter, name.to_owned(), "state", at_ns).with(values));
        };
        for look in &self.run.course.looks {
            if let Some(lag_ns) = look.lag_ns {
                count("loop lag (ms)", look.at_ns, json!({ "ms": lag_ns as f64 / 1e6 }));
            }
            let queues = json!({
                "injection": look.injection_queue,
                "local": look.local_queues,
                "blocking pool": look.blocking_queue,
            });
            count("queues (tasks)", look.at_ns, queues);
            count("alive tasks", look.at_ns, json!({ "tasks": look.alive_tasks }));
            for seen in &look.threads {
                let name = format!("busy: {}", self.tracks.name(seen.thread));
                count(&name, look.at_ns, json!({ "percent": f64::from(seen.busy_permille) / 10.0 }));
            }
        }
    }
}

fn about(record: &StallRecord) -> Value {
    let stall = &record.stall;
    let cause = stallscope::analysis::Cause::from(stall.cause).to_string();
    let frames = stall.stack.iter().flat_map(stallscope::analysis::frames_of).take(FRAMES);
    let stack: Vec<_> = frames.map(|frame| line(&frame)).collect();
    let owner = match stall.owner {
        Owner::Task => "task",
        Owner::Root => "root future",
        Owner::Local => "LocalSet",
        Owner::Runtime => "runtime",
        _ => "unknown",
    };
    json!({
        "cause": cause,
        "syscall": stall.syscall,
        "lock": stall.lock,
        "attributable_ms": record.attributable_ns() as f64 / 1e6,
        "ongoing": record.ongoing,
        "probable": record.is_probable(),
        "owner": owner,
        "task": stall.task.as_ref().map(|task| format!("{}, spawned at {}", task.id, short_place(&task.spawned_at))),
        "request": stall.serving.as_ref().map(|serving| &serving.route),
        "request_id": stall.serving.as_ref().and_then(|serving| serving.id.as_ref()),
        "waiting": stall.victims.in_words(),
        "waited_together_ms": stall.victims.delay_ns as f64 / 1e6,
        "stack": stack.join("\n"),
    })
}

fn line(frame: &Frame) -> String {
    match frame.place() {
        Some(place) => format!("{frame} at {place}"),
        None => frame.to_string(),
    }
}

#[cfg(test)]
mod tests;
