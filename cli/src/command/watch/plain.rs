use crate::failure::{Failure, clean, unless_closed};
use crate::model::{Detail, FindingId, Model, Msg, SILENCE, health};
use crate::source::{Message, Source};
use stallscope_wire::duration::show;
use std::io::{self, Write};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Lines that come within this time are taken as one.
const BATCH: Duration = Duration::from_millis(100);

/// Says how the process is, then its findings as they appear, and how it ended.
pub(super) fn run(source: &Source, out: &mut impl Write) -> Result<(), Failure> {
    unless_closed(tell(source, out))
}

fn tell(source: &Source, out: &mut impl Write) -> io::Result<()> {
    let begun = Instant::now();
    let mut model = Model::new(source.header.clone(), source.origin.clone());
    let mut teller = Teller::default();
    loop {
        let ended = take(source, &mut model, begun);
        model.settle();
        teller.tell(&model, begun.elapsed(), out)?;
        if ended {
            return Ok(());
        }
    }
}

/// Takes in what comes within a batch's time, once something came or nothing did for long; whether it was the last.
fn take(source: &Source, model: &mut Model, begun: Instant) -> bool {
    let mut message = match source.messages.recv_timeout(SILENCE) {
        Ok(message) => message,
        Err(RecvTimeoutError::Timeout) => return false,
        Err(RecvTimeoutError::Disconnected) => return true,
    };
    let until = Instant::now() + BATCH;
    loop {
        let last = !matches!(message, Message::Line(_));
        model.update(Msg::Source(message), begun.elapsed());
        if last {
            return true;
        }
        message = match source.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(next) => next,
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => return true,
        };
    }
}

/// What was said already.
#[derive(Debug, Default)]
struct Teller {
    greeted: bool,
    silent: bool,
    told: Vec<FindingId>,
}

impl Teller {
    fn tell(&mut self, model: &Model, ours: Duration, out: &mut impl Write) -> io::Result<()> {
        let process = model.process();
        let ended = process.conclusion.is_some();
        let silent = process.clock.silent_for(ours) >= SILENCE;
        if silent && !std::mem::replace(&mut self.silent, silent) {
            say(out, &health(process, ours).to_string())?;
            out.flush()?;
        }
        self.silent = silent;
        // A log is told as a whole, by how it ended.
        if !ended && (!process.is_live() || process.history.snapshot().is_none()) {
            return Ok(());
        }
        if (!self.greeted && !silent) || (ended && process.is_live()) {
            self.greeted = true;
            say(out, &health(process, ours).to_string())?;
        }
        for finding in &process.findings {
            let id = FindingId::of(finding);
            if self.told.contains(&id) {
                continue;
            }
            let ongoing = Detail::of(process, &id)
                .and_then(|detail| detail.ongoing.first().copied())
                .filter(|_| !ended);
            match ongoing {
                Some(record) => {
                    let lasted = show(process.lasted_ns(record, process.clock.now_ns(ours)));
                    let (culprit, cause) = (&finding.culprit, finding.cause_in_words());
                    let probably = if record.is_probable() { "probably " } else { "" };
                    say(out, &format!("{culprit} {probably}blocks a worker, {lasted} so far ({cause})"))?;
                }
                None => say(out, &finding.to_string())?,
            }
            self.told.push(id);
        }
        out.flush()
    }
}

/// One line, whatever the watched process calls its functions.
fn say(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{}", clean(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::source::{Origin, Target};
    use stallscope_wire::Header;

    fn told(scenario: &Scenario) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("app.jsonl");
        std::fs::write(&path, scenario.encoded()).expect("the log is written");
        let source = Source::open(&Target::Path(path)).expect("the log opens");
        let mut out = Vec::new();
        run(&source, &mut out).expect("it is told");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_log_is_told_as_its_end_and_a_line_for_each_finding() {
        let text = told(&Scenario::new().quiet(5).sleeps(1, 312).wakes(1).computes(2, 240).ends());
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("the process ended at 08:00:05 UTC"), "{text}");
        assert_eq!(lines[1], "src/report.rs:42 blocked a worker once, for 312ms (syscall clock_nanosleep)");
        assert_eq!(lines[2], "src/password.rs:88 blocked a worker once, for 240ms (cpu)");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_process_that_says_nothing_is_told_once() {
        let (mut teller, mut out) = (Teller::default(), Vec::new());
        let silent = Model::new(Header::default(), Origin::Live("7.sock".into()));
        for seconds in [1, 4, 7] {
            teller.tell(&silent, Duration::from_secs(seconds), &mut out).expect("it is told");
        }
        let told = "the process has said nothing for 4s: it is stopped, or starved\n";
        assert_eq!(String::from_utf8(out).expect("text"), told);
    }

    #[test]
    fn what_a_process_calls_itself_cannot_move_the_cursor() {
        let mut out = Vec::new();
        say(&mut out, "src/\u{1b}[2Jx.rs:1").expect("it is written");
        assert_eq!(String::from_utf8(out).expect("text"), "src/\u{fffd}[2Jx.rs:1\n");
    }
}
