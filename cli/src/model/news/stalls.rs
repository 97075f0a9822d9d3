use super::super::health::{Level, worker};
use super::super::process::{Process, why};
use super::{Event, Kind};
use stallscope::analysis::{Culprit, StallRecord};
use stallscope_wire::{Frame, Phase, Stall, counted, duration::show};
use std::collections::{HashMap, HashSet, VecDeque};

/// A line that blocks again within this time after it was told is counted, in nanoseconds.
const PACE_NS: u64 = 1_000_000_000;
/// How long a stall is kept back whose stack is still being looked up, in nanoseconds: its line is not known so far.
const NAMING_NS: u64 = 2_000_000_000;
/// So many stalls and lines are remembered.
const REMEMBERED: usize = 1024;

/// The stalls of one process, and what was told of them.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    /// What was said by lines that came since the last events, in order.
    noted: Vec<(u64, Phase)>,
    /// Stalls whose beginning was told.
    told: HashSet<u64>,
    /// Stalls that are over, and need no other word.
    over: VecDeque<u64>,
    lines: HashMap<String, Told>,
}

/// What was told of a line.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    at_ns: u64,
    /// Stalls since.
    others: u64,
}

impl Stalls {
    /// A line came; what it leads to is told when it was applied.
    pub(super) fn note(&mut self, stall: &Stall) {
        self.noted.push((stall.id, stall.phase));
    }

    /// What came was before anybody looked; of what goes on, how it goes on is told.
    pub(super) fn pass_over(&mut self, process: &Process) {
        self.noted.retain(|(id, _)| process.history.stall(*id).is_some_and(|record| record.ongoing));
    }

    /// What there is to say of the lines that came.
    pub(super) fn events<'a>(&mut self, process: &'a Process, now_ns: u64) -> Vec<Event<'a>> {
        let mut events = Vec::new();
        let noted = std::mem::take(&mut self.noted);
        let last: HashMap<_, _> = noted.iter().copied().collect();
        let mut seen = HashSet::new();
        for (id, _) in noted {
            if !seen.insert(id) || self.over.contains(&id) {
                continue;
            }
            let Some(record) = process.history.stall(id) else {
                // It was none after all.
                self.told.remove(&id);
                continue;
            };
            let Some(&phase) = last.get(&id) else { continue };
            let told_by_ns = record.stall.started_ns.saturating_add(record.stall.duration_ns + NAMING_NS);
            if !is_named(record) && !record.blames_host() && now_ns < told_by_ns {
                self.noted.push((id, phase));
                continue;
            }
            let ends = phase == Phase::End;
            events.extend(self.event(process, record, ends, now_ns));
            if ends {
                self.told.remove(&id);
                self.over.push_back(id);
                self.over.drain(..self.over.len().saturating_sub(REMEMBERED));
            }
        }
        events
    }

    /// What was counted, and not told so far: nothing follows.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = String> {
        let mut rest: Vec<_> = std::mem::take(&mut self.lines).into_iter().collect();
        rest.retain(|(_, line)| line.others > 0);
        rest.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let told = |(culprit, Told { others, .. }): (String, Told)| {
            format!("{culprit} blocked {} more since that was last told", counted(others, "time"))
        };
        rest.into_iter().map(told)
    }

    fn event<'a>(
        &mut self,
        process: &'a Process,
        record: &'a StallRecord,
        ends: bool,
        now_ns: u64,
    ) -> Option<Event<'a>> {
        let (stall, culprit) = (&record.stall, Culprit::of(record).to_string());
        if self.lines.len() > REMEMBERED {
            self.lines.clear();
        }
        let line = self.lines.entry(culprit.clone()).or_default();
        let mut others = 0;
        // Whose beginning was told, of that more is told.
        if !self.told.contains(&stall.id) {
            if line.at_ns > 0 && now_ns < line.at_ns.saturating_add(PACE_NS) {
                line.others += u64::from(ends);
                return None;
            }
            others = std::mem::take(&mut line.others);
            line.at_ns = now_ns.max(1);
            self.told.insert(stall.id);
        }
        let mut text = sentence(process, record, &culprit, ends);
        if others > 0 {
            text += &format!("; and {} more since that was last told", counted(others, "time"));
        }
        let level = if record.is_probable() || record.blames_host() { Level::Warning } else { Level::Bad };
        // Of one that goes on, its line says how long it has been when it was written.
        let at_ns = stall.at_ns.max(stall.started_ns.saturating_add(stall.duration_ns));
        let at_unix_ns = process.header().started_unix_ns.saturating_add(at_ns);
        Some(Event { at_unix_ns, kind: Kind::Stall, level, text, stall: Some(record) })
    }
}

/// Whether any line of its stack is known.
fn is_named(record: &StallRecord) -> bool {
    let named = |frame: &Frame| frame.function.is_some() || frame.file.is_some();
    record.stall.stack.as_ref().is_some_and(|stack| stack.frames.iter().any(named))
}

fn sentence(process: &Process, record: &StallRecord, culprit: &str, ends: bool) -> String {
    let (stall, who) = (&record.stall, worker(process, record));
    let lasted = show(stall.duration_ns);
    if record.blames_host() {
        return match ends {
            true => format!("the machine did not run {who} for {lasted}: the code is not to blame"),
            false => format!("the machine has not run {who} for {lasted}: the code is not to blame"),
        };
    }
    let serving = stall.serving.as_ref().map_or_else(String::new, |serving| format!(" in {}", serving.route));
    let why = why(record);
    let mut text = match ends {
        true => format!("{culprit} blocked {who}{serving} for {lasted} ({why})"),
        false => format!("{culprit} blocks {who}{serving}, {lasted} so far ({why})"),
    };
    if let Some(victims) = stall.victims.in_words() {
        text += &match ends {
            true => format!("; {victims} waited {} in all", show(stall.victims.delay_ns)),
            false => format!("; {victims} {}", if stall.victims.count() == 1 { "waits" } else { "wait" }),
        };
    }
    if let Some(routes) = stall.victims.routes_in_words().filter(|_| ends) {
        text += &format!(": {routes}");
    }
    text
}
