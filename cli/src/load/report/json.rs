use super::figures::QUANTILES;
use crate::load::generator::Load;
use crate::load::histogram::nanos;
use crate::load::tally::{LATE, TargetTally};
use crate::load::target::{Kind, Target};
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

impl Load {
    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let total = self.tally.total();
        let targets = self.targets.iter().zip(&self.tally.targets);
        let failures = self.tally.failures.iter().map(|(why, count)| json!({ "why": why, "count": count }));
        json!({
            "rate": self.rate,
            "connections": self.connections,
            "took_ns": nanos(self.took),
            "due": self.paced.due,
            "sent": self.tally.sent,
            "answered": total.answered,
            "failed": self.tally.failed,
            "unfinished": self.tally.unfinished,
            "dropped": self.paced.dropped,
            "late": self.tally.late,
            "late_limit_ns": nanos(LATE),
            "failures": failures.collect::<Vec<_>>(),
            "statuses": statuses(&total),
            "latency": latency(&total),
            "generator_lag": figures(&self.tally.own_lag),
            "generator_loop_lag": figures(&self.tally.loop_lag),
            "targets": targets.map(|(target, tally)| of_target(target, tally)).collect::<Vec<_>>(),
        })
    }
}

fn of_target(target: &Target, tally: &TargetTally) -> Value {
    let mut about = json!({
        "url": target.url, "kind": target.kind.name(), "weight": target.weight,
        "answered": tally.answered, "latency": latency(tally),
    });
    let held = &tally.held;
    match target.kind {
        Kind::Request(_) => about["statuses"] = statuses(tally),
        Kind::WebSocket | Kind::Events => {
            let opening = if target.kind == Kind::Events { "first_event" } else { "opening" };
            about["held"] = json!({
                "opened": held.opened, "open": held.open(), "refused": held.refused, "left": held.left,
                "lost": held.lost, "received": held.received, opening: figures(&held.opening),
            });
        }
    }
    about
}

fn latency(tally: &TargetTally) -> Value {
    json!({ "corrected": figures(&tally.corrected), "uncorrected": figures(&tally.uncorrected) })
}

fn figures(histogram: &Histogram<u64>) -> Value {
    let quantiles = QUANTILES
        .map(|(name, quantile)| (format!("{name}_ns"), histogram.value_at_quantile(quantile).into()));
    let mut figures = Map::from_iter(quantiles);
    figures.insert("max_ns".to_owned(), histogram.max().into());
    figures.insert("count".to_owned(), histogram.len().into());
    figures.into()
}

fn statuses(tally: &TargetTally) -> Value {
    let classes = tally.statuses.iter().enumerate();
    classes
        .map(|(class, count)| (format!("{}xx", class + 1), Value::from(*count)))
        .collect::<Map<_, _>>()
        .into()
}
