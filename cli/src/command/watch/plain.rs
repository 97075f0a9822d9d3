mod teller;

use crate::failure::{Failure, unless_closed};
use crate::model::{News, Process};
use crate::source::{Feed, Message, Source};
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};
use teller::Teller;

pub(super) use teller::Format;

/// Lines that come within this time are taken as one.
const BATCH: Duration = Duration::from_millis(100);
/// How long one source is read before the others are.
const READING: Duration = Duration::from_millis(40);

/// Says how each process is, then what happens in it as it happens, and how it ended; until all have ended, or for ever where
/// it waits for those that come.
pub(super) fn run(
    mut feed: Feed<'_>,
    wait: bool,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let several = wait || feed.given().len() > 1;
    unless_closed(tell(&mut feed, wait, &mut Teller::new(format, several), out))
}

fn tell(feed: &mut Feed<'_>, wait: bool, teller: &mut Teller, out: &mut impl Write) -> io::Result<()> {
    let begun = Instant::now();
    let news = |source: &Source| News::new(Process::new(source.header.clone(), source.origin.clone()));
    let mut watched: Vec<_> = feed.given().iter().map(news).enumerate().collect();
    loop {
        let mut any = false;
        while let Some((number, source)) = feed.arrival() {
            teller.came(&source.header, out)?;
            watched.push((number, news(source)));
        }
        for (number, news) in &mut watched {
            any |= read(feed, *number, news, begun);
            teller.tell(news, begun.elapsed(), out)?;
        }
        out.flush()?;
        watched.retain(|(number, news)| {
            let goes_on = news.process().conclusion.is_none();
            if !goes_on {
                feed.close(*number);
            }
            goes_on
        });
        if watched.is_empty() && !wait {
            return Ok(());
        }
        if !any {
            thread::sleep(BATCH);
        }
    }
}

/// Takes in what waits; whether anything did.
fn read(feed: &Feed<'_>, number: usize, news: &mut News, begun: Instant) -> bool {
    let until = Instant::now() + READING;
    let mut any = false;
    while Instant::now() < until
        && let Some(message) = feed.next(number)
    {
        any = true;
        let last = !matches!(message, Message::Line(..));
        news.take(message, begun.elapsed());
        if last {
            break;
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::source::Target;

    fn told(scenarios: &[Scenario], format: Format) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let open = |(number, scenario): (usize, &Scenario)| {
            let path = folder.path().join(format!("{number}.jsonl"));
            std::fs::write(&path, scenario.encoded()).expect("the log is written");
            Source::open(&Target::Path(path)).expect("the log opens")
        };
        let sources: Vec<_> = scenarios.iter().enumerate().map(open).collect();
        let mut out = Vec::new();
        run(Feed::of(&sources), false, format, &mut out).expect("it is told");
        String::from_utf8(out).expect("text")
    }

    fn blocked() -> Scenario {
        Scenario::new().quiet(5).sleeps(1, 312).wakes(1).computes(2, 240).ends()
    }

    #[test]
    fn a_log_is_told_as_its_end_and_a_line_for_each_finding() {
        let text = told(&[blocked()], Format::Text);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("the process ended at 08:00:05 UTC"), "{text}");
        assert_eq!(lines[1], "src/report.rs:42 blocked a worker once, for 312ms (syscall clock_nanosleep)");
        assert_eq!(lines[2], "src/password.rs:88 blocked a worker once, for 240ms (cpu)");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn of_several_each_line_says_whose_it_is() {
        let text = told(&[blocked(), Scenario::new().quiet(2).ends()], Format::Text);
        assert_eq!(text.lines().count(), 4);
        assert!(text.lines().all(|line| line.starts_with("shop-api 4242: ")), "{text}");
    }

    #[test]
    fn programs_are_told_in_objects() {
        let text = told(&[blocked()], Format::Json);
        let events: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((&events[0]["event"], &events[0]["pid"]), (&"end".into(), &4242.into()));
        assert_eq!(events[1]["event"], "finding");
        assert!(
            events[1]["text"].as_str().is_some_and(|text| text.starts_with("src/report.rs:42 ")),
            "{text}"
        );
        assert_eq!(events.len(), 3);
    }
}
