//! What happens in a process, an event each: the same as the screen shows, for those who read lines.

mod stalls;

use super::detail::FindingId;
use super::health::{Health, Level, health};
use super::process::{Conclusion, Process};
use crate::source::Message;
use stalls::Stalls;
use stallscope::analysis::{Rule, Severity, StallRecord};
use stallscope_wire::Line;
use std::time::Duration;

/// How often it is said how a process is, at most, unless it is bad.
const PACE: Duration = Duration::from_secs(5);

/// Something worth a line.
#[derive(Debug, Clone)]
pub(crate) struct Event<'a> {
    /// Wall-clock time at the process, in nanoseconds since the Unix epoch.
    pub(crate) at_unix_ns: u64,
    pub(crate) kind: Kind,
    pub(crate) level: Level,
    /// One sentence.
    pub(crate) text: String,
    /// Of a stall: all that is known of it.
    pub(crate) stall: Option<&'a StallRecord>,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// How the process is now.
    Health,
    /// A stall that goes on, or is over.
    Stall,
    /// Something else that was found.
    Finding,
    /// Nothing follows.
    End,
}

/// A process, and what was told of it already.
#[derive(Debug)]
pub(crate) struct News {
    process: Process,
    stalls: Stalls,
    greeted: bool,
    /// What was said of its health last, and when on the view's clock.
    said: Option<(&'static str, Duration)>,
    found: Vec<FindingId>,
    ended: bool,
}

impl News {
    pub(crate) fn new(process: Process) -> Self {
        Self {
            process,
            stalls: Stalls::default(),
            greeted: false,
            said: None,
            found: Vec::new(),
            ended: false,
        }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Takes a message that came at `ours`.
    pub(crate) fn take(&mut self, message: Message, ours: Duration) {
        if let Message::Line(line, _) = &message
            && let Line::Stall(stall) = &**line
        {
            self.stalls.note(stall);
        }
        self.process.take_message(message, ours);
    }

    /// What has happened since this was asked last. A log is told as a whole, by how it ended.
    pub(crate) fn events(&mut self, ours: Duration) -> Vec<Event<'_>> {
        self.process.settle();
        let process = &self.process;
        let ended = process.conclusion.is_some();
        let (health, now_ns) = (health(process, ours), process.clock.now_ns(ours));
        let at_unix_ns = process.header().started_unix_ns.saturating_add(now_ns);
        let told = |kind, level, text: String| Event { at_unix_ns, kind, level, text, stall: None };
        let silent = health.word == "SILENT";
        if self.ended || (!ended && !silent && (!process.is_live() || process.history.snapshot().is_none())) {
            return Vec::new();
        }
        let mut events = Vec::new();
        // Of what was before only the findings are told.
        let late = !self.greeted;
        self.ended |= ended;
        if !ended && is_worth_saying(&health, self.said, ours) {
            self.said = Some((health.word, ours));
            events.push(told(Kind::Health, health.level, health.to_string()));
        }
        self.greeted |= !silent;
        if late {
            self.stalls.pass_over(process);
        }
        events.extend(self.stalls.events(process, now_ns));
        for finding in process.findings.iter() {
            let id = FindingId::of(finding);
            if self.found.contains(&id) {
                continue;
            }
            self.found.push(id);
            // Stalls are told one by one.
            if finding.rule == Rule::BlockingPoll && (!late || finding.ongoing) {
                continue;
            }
            let level = match finding.severity {
                Severity::Error => Level::Bad,
                Severity::Warning => Level::Warning,
                _ => Level::Neutral,
            };
            events.push(told(Kind::Finding, level, finding.to_string()));
        }
        if ended {
            events.extend(self.stalls.rest().map(|text| told(Kind::Stall, Level::Bad, text)));
            // A log is told as a whole, how it ended first; of a live process nothing comes after its end.
            let at = if process.is_live() { events.len() } else { 0 };
            events.insert(at, told(Kind::End, health.level, health.to_string()));
        }
        events
    }
}

/// Whether it is another than before. Stalls are told one by one.
fn is_worth_saying(health: &Health, said: Option<(&'static str, Duration)>, ours: Duration) -> bool {
    let Some((word, at)) = said else { return true };
    let other = word != health.word && !matches!(health.word, "BLOCKED" | "STALLING" | "HOST BUSY");
    other && (health.level == Level::Bad || ours.saturating_sub(at) >= PACE)
}

impl Process {
    /// Takes a message that came at `ours`.
    pub(super) fn take_message(&mut self, message: Message, ours: Duration) {
        match message {
            Message::Line(line, _) => self.apply(*line, ours),
            Message::Ended(ending) => self.conclude(Conclusion::Ended(ending), ours),
            Message::Failed(error) => self.conclude(Conclusion::Failed(error.to_string()), ours),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{MS, Scenario};
    use crate::source::{Ending, Origin};
    use stallscope_wire::{Header, Reader};

    fn read(scenario: &Scenario) -> (Header, Vec<Line>) {
        let text = scenario.encoded();
        let mut reader = Reader::new(&text[..]).expect("it has a header");
        let lines = std::iter::from_fn(|| reader.next_line().expect("it is whole")).collect();
        (reader.header().clone(), lines)
    }

    /// The sentences that a live process is told in, each line of it by itself from some line on.
    fn told(scenario: &Scenario, together: usize, ending: Option<Ending>) -> Vec<String> {
        let (header, lines) = read(scenario);
        let mut news = News::new(Process::new(header, Origin::Live("7.sock".into())));
        let mut told = Vec::new();
        for (number, line) in lines.into_iter().enumerate() {
            let ours = Duration::from_nanos(super::super::process::at_ns(&line).unwrap_or(0));
            news.take(Message::Line(Box::new(line), Vec::new()), ours);
            if number >= together {
                told.extend(news.events(ours).into_iter().map(|event| event.text));
            }
        }
        if let Some(ending) = ending {
            news.take(Message::Ended(ending), Duration::ZERO);
        }
        told.extend(news.events(Duration::ZERO).into_iter().map(|event| event.text));
        told
    }

    #[test]
    fn a_stall_is_told_when_it_begins_as_it_grows_and_when_it_is_over() {
        let told = told(&Scenario::new().quiet(5).sleeps(1, 312).wakes(1), 2, None);
        assert_eq!(
            told,
            [
                "healthy: loop lag p99 110us, 2 workers, 12 tasks",
                "src/report.rs:42 blocks worker 1 in GET /reports/{month}, 100ms so far (clock_nanosleep); 14 tasks wait",
                "src/report.rs:42 blocks worker 1 in GET /reports/{month}, 200ms so far (clock_nanosleep); 14 tasks wait",
                "src/report.rs:42 blocked worker 1 in GET /reports/{month} for 312ms (clock_nanosleep); 14 tasks waited 2.81s in all",
            ]
        );
    }

    #[test]
    fn a_stall_is_told_when_its_line_is_known() {
        let mut scenario = Scenario::new().quiet(5).sleeps(1, 412);
        let Some(Line::Stall(first)) = scenario.lines.iter_mut().find(|line| matches!(line, Line::Stall(_)))
        else {
            panic!("it is told at the threshold")
        };
        first.stack = None;
        let told = told(&scenario, 2, None);
        assert!(told[1].contains(" 200ms so far") && told[2].contains(" 400ms so far"), "{told:?}");
        assert_eq!(told.len(), 3);
    }

    #[test]
    fn what_was_before_is_told_as_findings() {
        let scenario = Scenario::new().quiet(5).sleeps(1, 312).wakes(1).quiet(20);
        let lines = scenario.lines.len();
        let told = told(&scenario, lines - 1, None);
        assert!(told[0].starts_with("src/report.rs:42 (clock_nanosleep) blocked for 312ms; "), "{told:?}");
        assert_eq!(
            told[1..],
            ["src/report.rs:42 blocked a worker once, for 312ms (syscall clock_nanosleep)"]
        );
    }

    #[test]
    fn a_line_that_blocks_again_and_again_is_told_once_a_second_with_how_often() {
        let mut scenario = Scenario::new().quiet(5);
        for id in 0..20 {
            scenario = scenario.computes(id, 120);
        }
        let told = told(&scenario, 1, None);
        let stalls: Vec<_> =
            told.iter().filter(|text| text.starts_with("src/password.rs:88 blocked ")).collect();
        assert_eq!(stalls.len(), 3, "{told:?}");
        assert!(stalls[1].ends_with("; and 8 times more since that was last told"), "{told:?}");
    }

    #[test]
    fn what_was_only_counted_is_told_at_the_end() {
        let scenario = (0..4).fold(Scenario::new().quiet(5), |scenario, id| scenario.computes(id, 120));
        let told = told(&scenario, 1, Some(Ending::Orderly));
        let rest = "src/password.rs:88 blocked 3 times more since that was last told";
        assert_eq!(told.iter().position(|text| text == rest), told.len().checked_sub(2), "{told:?}");
    }

    #[test]
    fn an_end_is_told_once_and_is_the_last() {
        let told = told(&Scenario::new().quiet(2), 1, Some(Ending::Abrupt));
        assert!(told[1].contains("went away at ") && told.len() == 2, "{told:?}");
    }

    #[test]
    fn nothing_is_told_after_the_end() {
        let scenario = Scenario::new().quiet(5).sleeps(1, 312).wakes(1);
        // What came last comes together with the end.
        let told = told(&scenario, scenario.lines.len(), Some(Ending::Orderly));
        assert!(told.last().is_some_and(|last| last.starts_with("the process ended at ")), "{told:?}");
        assert!(
            told.iter().any(|text| text.starts_with("src/report.rs:42 blocked a worker once")),
            "{told:?}"
        );
    }

    #[test]
    fn a_process_that_says_nothing_is_told_once() {
        let mut news = News::new(Process::new(Header::default(), Origin::Live("7.sock".into())));
        let told: Vec<_> = [1, 4, 7]
            .into_iter()
            .flat_map(|seconds| {
                let events = news.events(Duration::from_secs(seconds)).into_iter();
                events.map(|event| event.text).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(told, ["the process has said nothing for 4s: it is stopped, or starved"]);
    }

    #[test]
    fn the_time_is_the_processes_own() {
        let (header, lines) = read(&Scenario::new().quiet(1));
        let started = header.started_unix_ns;
        let mut news = News::new(Process::new(header, Origin::Live("7.sock".into())));
        for line in lines {
            news.take(Message::Line(Box::new(line), Vec::new()), Duration::ZERO);
        }
        let at: Vec<_> = news.events(Duration::ZERO).iter().map(|event| event.at_unix_ns - started).collect();
        assert_eq!(at, [1_000 * MS]);
    }
}
