use super::generator::Load;
use super::tally::{LATE, TargetTally};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use stallscope_wire::duration::show;
use std::fmt::{self, Write};
use std::time::Duration;

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

impl Load {
    /// Whether anything came back.
    pub(crate) fn any_answer(&self) -> bool {
        self.tally.targets.iter().any(|target| target.answers() > 0)
    }

    /// Why requests failed, by the first that did.
    pub(crate) fn first_failure(&self) -> Option<&str> {
        self.tally.first_failure.as_deref()
    }

    /// What to say when the generator did not keep its own schedule: its figures are then worse than the server.
    pub(crate) fn lag_warning(&self) -> Option<String> {
        let p99 = self.tally.own_lag.value_at_quantile(0.99);
        (u128::from(p99) > LATE.as_nanos()).then(|| {
            format!(
                "the generator itself was late: 1 in 100 requests went out more than {} after their time although a \
                 connection was free, so the corrected latencies are too high; give the machine more air or lower --rate",
                show(p99)
            )
        })
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let total = self.tally.total();
        let targets = self.targets.iter().zip(&self.tally.targets).map(|(target, tally)| {
            json!({ "url": target.url, "weight": target.weight, "answered": tally.answers(),
                    "statuses": statuses(tally), "latency": latency(tally) })
        });
        json!({
            "rate": self.rate,
            "connections": self.connections,
            "took_ns": nanos(self.took),
            "due": self.paced.due,
            "answered": total.answers(),
            "failed": self.tally.failed,
            "unfinished": self.tally.unfinished,
            "dropped": self.paced.dropped,
            "late": self.tally.late,
            "late_limit_ns": nanos(LATE),
            "first_failure": self.tally.first_failure,
            "statuses": statuses(&total),
            "latency": latency(&total),
            "generator_lag": figures(&self.tally.own_lag),
            "targets": targets.collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes everything");
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let (total, tally) = (self.tally.total(), &self.tally);
        writeln!(
            out,
            "{} requests due at {}/s over {} connections, in {}",
            self.paced.due,
            self.rate,
            self.connections,
            show(nanos(self.took))
        )?;
        write!(
            out,
            "answered {} · failed {} · dropped {}",
            total.answers(),
            tally.failed,
            self.paced.dropped
        )?;
        writeln!(
            out,
            " · unfinished {} · late {} (by over {})",
            tally.unfinished,
            tally.late,
            show(nanos(LATE))
        )?;
        if let Some(failure) = self.first_failure() {
            writeln!(out, "the first failure: {failure}")?;
        }
        let classes = total.statuses.iter().enumerate().filter(|(_, count)| **count > 0);
        let classes: Vec<_> = classes.map(|(class, count)| format!("{}xx {count}", class + 1)).collect();
        writeln!(out, "status   {}\n", classes.join(" · "))?;
        writeln!(out, "{:12}{:>9}{:>9}{:>9}{:>9}{:>9}", "latency", "p50", "p90", "p99", "p99.9", "max")?;
        row(out, "corrected", &total.corrected, "from the time a request was due")?;
        row(out, "uncorrected", &total.uncorrected, "from the time it went out")?;
        if self.targets.len() > 1 {
            writeln!(out, "\n{:>8}{:>9}{:>9}{:>9}  corrected, by URL", "answered", "p50", "p99", "max")?;
            for (target, tally) in self.targets.iter().zip(&tally.targets) {
                let at = |quantile| show(tally.corrected.value_at_quantile(quantile));
                writeln!(
                    out,
                    "{:>8}{:>9}{:>9}{:>9}  {}",
                    tally.answers(),
                    at(0.5),
                    at(0.99),
                    at(1.0),
                    target.url
                )?;
            }
        }
        Ok(())
    }
}

fn row(out: &mut String, name: &str, histogram: &Histogram<u64>, meaning: &str) -> fmt::Result {
    write!(out, "{name:12}")?;
    for (_, quantile) in QUANTILES {
        write!(out, "{:>9}", show(histogram.value_at_quantile(quantile)))?;
    }
    writeln!(out, "{:>9}  {meaning}", show(histogram.max()))
}

fn latency(tally: &TargetTally) -> Value {
    json!({ "corrected": figures(&tally.corrected), "uncorrected": figures(&tally.uncorrected) })
}

fn figures(histogram: &Histogram<u64>) -> Value {
    let quantiles = QUANTILES
        .map(|(name, quantile)| (format!("{name}_ns"), histogram.value_at_quantile(quantile).into()));
    let mut figures = serde_json::Map::from_iter(quantiles);
    figures.insert("max_ns".to_owned(), histogram.max().into());
    figures.insert("count".to_owned(), histogram.len().into());
    figures.into()
}

fn statuses(tally: &TargetTally) -> Value {
    let classes = tally.statuses.iter().enumerate();
    classes
        .map(|(class, count)| (format!("{}xx", class + 1), Value::from(*count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
