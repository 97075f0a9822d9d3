//! A line made futures that were dropped without one poll.

use super::super::{Culprit, Finding, History, Rule, Severity};
use stallscope_wire::{Certainty, Watched};
use std::collections::BTreeMap;

/// Of a line none of whose futures was ever polled it is certain that nobody awaits them. Where some were, the others may
/// have been dropped rightly: by a `select!` whose other branch was ready first, or by a return before the await.
pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut lines: BTreeMap<_, Watched> = BTreeMap::new();
    for history in histories {
        let root = history.header().source_root.as_deref();
        for line in history.snapshot().into_iter().flat_map(|snapshot| &snapshot.watched) {
            let key = (root, &line.created_at, &line.function);
            lines.entry(key).and_modify(|known| known.add(line)).or_insert_with(|| line.clone());
        }
    }
    lines.values().filter(|line| line.unpolled > 0).map(finding).collect()
}

fn finding(line: &Watched) -> Finding {
    let (severity, certainty) = match line.polled {
        0 => (Severity::Error, Certainty::Exact),
        _ => (Severity::Warning, Certainty::Probable),
    };
    let place = match &*line.created_at {
        "" => Culprit::default(),
        place => Culprit::at(place),
    };
    Finding {
        rule: Rule::NeverAwaited,
        severity,
        certainty,
        culprit: Culprit { function: line.function.clone(), ..place },
        count: line.unpolled,
        detail: Some(detail(line)),
        ..Finding::default()
    }
}

fn detail(line: &Watched) -> String {
    let mut detail = match line.polled {
        0 => format!("none of {} was polled", line.futures()),
        polled => format!("{polled} of {} were polled", line.futures()),
    };
    if line.cancelled > 0 {
        detail += &format!(", {} of these cancelled before they were ready", line.cancelled);
    }
    if line.excused > 0 {
        detail +=
            &format!("; {} others were dropped by a panic or by a task that was cancelled", line.excused);
    }
    detail
}
