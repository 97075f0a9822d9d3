use crate::failure::clean;
use crate::model::{Event, EventKind, Level, News, clock_time, is_alike, level_name};
use crate::source::process_name;
use serde_json::{Map, Value, json};
use stallscope::analysis::{Culprit, StallRecord};
use stallscope_wire::Header;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

/// So many processes that are gone are remembered: one of them may come back.
const REMEMBERED: usize = 64;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Sentences, a line each.
    Text,
    /// Objects, a line each, durations in nanoseconds.
    Json,
}

/// Writes events, a line each.
#[derive(Debug)]
pub(super) struct Teller {
    format: Format,
    /// Each line says whose it is.
    several: bool,
    gone: VecDeque<Header>,
}

impl Teller {
    pub(super) fn new(format: Format, several: bool) -> Self {
        Self { format, several, gone: VecDeque::new() }
    }

    /// Says that a process has come, and whether it takes the place of one that is gone.
    pub(super) fn came(&mut self, header: &Header, out: &mut impl Write) -> io::Result<()> {
        self.several = true;
        let before =
            self.gone.iter().rposition(|gone| is_alike(gone, header)).and_then(|at| self.gone.remove(at));
        let text = match &before {
            Some(gone) => format!("started again after pid {}, which is gone", gone.pid),
            None => "started".to_owned(),
        };
        let mut object = self.object(header, header.started_unix_ns, "start", Level::Neutral, &text);
        object.insert("after_pid".to_owned(), json!(before.map(|gone| gone.pid)));
        self.write(header, Some(header.started_unix_ns), &text, object, out)
    }

    /// Says what has happened.
    pub(super) fn tell(&mut self, news: &mut News, ours: Duration, out: &mut impl Write) -> io::Result<()> {
        let header = news.process().header().clone();
        let live = news.process().is_live();
        for event in news.events(ours) {
            let Event { at_unix_ns, kind, level, text, stall } = event;
            let mut object = self.object(&header, at_unix_ns, name(kind), level, &text);
            if let Some(record) = stall {
                object.insert("stall".to_owned(), told(record));
            }
            // A log is told as a whole; each of its sentences is about all of its time.
            self.write(&header, live.then_some(at_unix_ns), &text, object, out)?;
            if kind == EventKind::End {
                self.gone.push_back(header.clone());
                self.gone.drain(..self.gone.len().saturating_sub(REMEMBERED));
            }
        }
        Ok(())
    }

    /// One line, whatever the watched process calls its functions.
    fn write(
        &self,
        header: &Header,
        at_unix_ns: Option<u64>,
        text: &str,
        object: Map<String, Value>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.format == Format::Json {
            return writeln!(out, "{}", Value::Object(object));
        }
        let at = at_unix_ns.map_or_else(String::new, |at| clock_time(at) + "  ");
        let who =
            if self.several { format!("{} {}: ", process_name(header), header.pid) } else { String::new() };
        writeln!(out, "{}", clean(format_args!("{at}{who}{text}")))
    }

    fn object(
        &self,
        header: &Header,
        at_unix_ns: u64,
        event: &str,
        level: Level,
        text: &str,
    ) -> Map<String, Value> {
        let object = json!({
            "event": event, "at_unix_ns": at_unix_ns, "pid": header.pid, "name": process_name(header),
            "level": level_name(level), "text": text,
        });
        if let Value::Object(object) = object { object } else { Map::new() }
    }
}

fn name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Health => "health",
        EventKind::Stall => "stall",
        EventKind::Finding => "finding",
        EventKind::End => "end",
    }
}

fn told(record: &StallRecord) -> Value {
    let stall = &record.stall;
    json!({
        "id": stall.id, "culprit": Culprit::of(record).to_string(), "cause": stall.cause, "syscall": stall.syscall,
        "lock": stall.lock, "certainty": stall.certainty, "ongoing": record.ongoing,
        "duration_ns": stall.duration_ns, "attributable_ns": stall.attributable_ns,
        "worker": stall.thread.worker, "serving": stall.serving, "victims": stall.victims,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pid: u32, command: &str) -> Header {
        Header { pid, exe: "/srv/shop-api".into(), command: vec![command.into()], ..Header::default() }
    }

    #[test]
    fn what_a_process_calls_itself_cannot_move_the_cursor() {
        let (teller, mut out) = (Teller::new(Format::Text, false), Vec::new());
        teller
            .write(&header(7, ""), None, "src/\u{1b}[2Jx.rs:1", Map::new(), &mut out)
            .expect("it is written");
        assert_eq!(String::from_utf8(out).expect("text"), "src/\u{fffd}[2Jx.rs:1\n");
    }

    #[test]
    fn one_that_takes_the_place_of_another_is_told_as_that() {
        let (mut teller, mut out) = (Teller::new(Format::Text, false), Vec::new());
        teller.gone.push_back(header(7, "shop-api"));
        for (pid, command) in [(8, "other"), (9, "shop-api"), (10, "shop-api")] {
            teller.came(&header(pid, command), &mut out).expect("it is written");
        }
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "00:00:00 UTC  shop-api 8: started\n\
             00:00:00 UTC  shop-api 9: started again after pid 7, which is gone\n\
             00:00:00 UTC  shop-api 10: started\n"
        );
    }
}
