use super::figures::QUANTILES;
use crate::load::generator::Load;
use crate::load::histogram::nanos;
use crate::load::tally::{LATE, TargetTally};
use crate::load::target::{Kind, Target};
use hdrhistogram::Histogram;
use stallscope_wire::duration::show;
use std::fmt::{self, Write};

impl Load {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes everything");
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let sends = |kind: &dyn Fn(&Kind) -> bool| {
            self.targets.iter().any(|target| target.weight > 0 && kind(&target.kind))
        };
        let (requests, messages) = (sends(&|kind| !kind.is_held()), sends(&Kind::is_held));
        match (requests, messages) {
            (true, true) => self.write_answers(out, "requests and messages")?,
            (true, false) => self.write_answers(out, "requests")?,
            (false, true) => self.write_answers(out, "messages")?,
            (false, false) => {
                writeln!(
                    out,
                    "nothing sent, {} sockets for each URL held for {}",
                    self.connections,
                    self.took()
                )?;
            }
        }
        for (why, count) in &self.tally.failures {
            writeln!(out, "{count} times: {why}")?;
        }
        if requests || messages {
            self.write_latencies(out, messages)?;
        }
        self.write_held(out)
    }

    fn took(&self) -> String {
        show(nanos(self.took)).to_string()
    }

    fn write_answers(&self, out: &mut String, what: &str) -> fmt::Result {
        let (paced, tally) = (&self.paced, &self.tally);
        let connections = match self.connections {
            1 => "1 connection".to_owned(),
            count => format!("{count} connections"),
        };
        writeln!(out, "{} {what} due at {}/s over {connections}, in {}", paced.due, self.rate, self.took())?;
        let answered = self.tally.total().answered;
        write!(out, "answered {answered} · failed {} · dropped {}", tally.failed, paced.dropped)?;
        let (unfinished, late) = (tally.unfinished, tally.late);
        writeln!(out, " · unfinished {unfinished} · late {late} (by over {})", show(nanos(LATE)))
    }

    fn write_latencies(&self, out: &mut String, messages: bool) -> fmt::Result {
        let total = self.tally.total();
        let classes = total.statuses.iter().enumerate().filter(|(_, count)| **count > 0);
        let classes: Vec<_> = classes.map(|(class, count)| format!("{}xx {count}", class + 1)).collect();
        if !classes.is_empty() {
            writeln!(out, "status   {}", classes.join(" · "))?;
        }
        writeln!(out, "\n{:12}{:>9}{:>9}{:>9}{:>9}{:>9}", "latency", "p50", "p90", "p99", "p99.9", "max")?;
        row(out, "corrected", &total.corrected, "since it was due")?;
        row(out, "uncorrected", &total.uncorrected, "since it went out")?;
        if messages {
            writeln!(
                out,
                "A message is answered when it first comes back, over whichever socket of this load."
            )?;
        }
        let answering = || self.answering().filter(|(target, _)| target.weight > 0);
        if answering().count() > 1 {
            writeln!(out, "\n{:>8}{:>9}{:>9}{:>9}  corrected, by URL", "answered", "p50", "p99", "max")?;
            for (target, tally) in answering() {
                let [p50, p99, max] = [0.5, 0.99, 1.0].map(|at| quantile(&tally.corrected, at));
                writeln!(out, "{:>8}{p50:>9}{p99:>9}{max:>9}  {}", tally.answered, target.url)?;
            }
        }
        Ok(())
    }

    fn write_held(&self, out: &mut String) -> fmt::Result {
        for (kind, until, received) in [
            (Kind::WebSocket, "WebSockets; p50 and p99 until one is open", "messages"),
            (Kind::Events, "event streams; p50 and p99 until the first event", "events"),
        ] {
            let mut held = self.answering().filter(|(target, _)| target.kind == kind).peekable();
            if held.peek().is_some() {
                writeln!(
                    out,
                    "\n{:>7}{:>8}{:>8}{:>7}{:>7}{received:>10}{:>9}{:>9}  {until}",
                    "opened", "open", "refused", "left", "lost", "p50", "p99"
                )?;
            }
            for (target, TargetTally { held, .. }) in held {
                let [p50, p99] = [0.5, 0.99].map(|at| quantile(&held.opening, at));
                writeln!(
                    out,
                    "{:>7}{:>8}{:>8}{:>7}{:>7}{:>10}{p50:>9}{p99:>9}  {}",
                    held.opened,
                    held.open(),
                    held.refused,
                    held.left,
                    held.lost,
                    held.received,
                    target.url
                )?;
            }
        }
        Ok(())
    }

    fn answering(&self) -> impl Iterator<Item = (&Target, &TargetTally)> {
        self.targets.iter().zip(&self.tally.targets)
    }
}

fn row(out: &mut String, name: &str, histogram: &Histogram<u64>, meaning: &str) -> fmt::Result {
    write!(out, "{name:12}")?;
    for (_, at) in QUANTILES {
        write!(out, "{:>9}", quantile(histogram, at))?;
    }
    writeln!(out, "{:>9}  {meaning}", quantile(histogram, 1.0))
}

/// A dash where nothing was measured.
fn quantile(histogram: &Histogram<u64>, at: f64) -> String {
    if histogram.is_empty() { "-".to_owned() } else { show(histogram.value_at_quantile(at)).to_string() }
}
