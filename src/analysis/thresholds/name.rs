//! The names that expressions know.

use super::{Metric, Stat};

pub(super) const METRICS: [(&str, Metric); 13] = [
    ("stall", Metric::Stall),
    ("poll", Metric::Poll),
    ("lag", Metric::Lag),
    ("schedule", Metric::Schedule),
    ("handler", Metric::Handler),
    ("never-awaited", Metric::NeverAwaited),
    ("never-polled", Metric::NeverPolled),
    ("detached-panic", Metric::DetachedPanic),
    ("lost-task", Metric::LostTask),
    ("task-leak", Metric::TaskLeak),
    ("blocking-pool", Metric::BlockingPool),
    ("socket-leak", Metric::SocketLeak),
    ("accept-backlog", Metric::AcceptBacklog),
];

pub(super) const STATS: [(&str, Stat); 7] = [
    ("max", Stat::Max),
    ("count", Stat::Count),
    ("total", Stat::Total),
    ("mean", Stat::Mean),
    ("p50", Stat::Quantile(50_000)),
    ("p95", Stat::Quantile(95_000)),
    ("p99", Stat::Quantile(99_000)),
];

impl Metric {
    /// Its name in an expression.
    #[must_use]
    pub fn name(self) -> &'static str {
        METRICS.iter().find(|(_, metric)| *metric == self).map_or("?", |(name, _)| name)
    }

    /// Whether only how many there were is asked for.
    pub(super) fn only_counts(self) -> bool {
        !matches!(self, Self::Stall | Self::Poll | Self::Lag | Self::Schedule | Self::Handler)
    }

    /// Whether more of it may be better, as it shows that work was done: that there was much of anything else never is.
    pub(super) fn may_want_much(self, stat: Stat) -> bool {
        stat == Stat::Count && !self.only_counts() && self != Self::Stall
    }

    /// What an expression without one means.
    pub(super) fn usual_stat(self) -> Stat {
        if self.only_counts() { Stat::Count } else { Stat::Max }
    }
}

/// `max`, `count`, `total`, `mean`, or `p` and a percentage with up to three decimals.
pub(super) fn stat(name: &str) -> Option<Stat> {
    if let Some(&(_, stat)) = STATS.iter().find(|(known, _)| *known == name) {
        return Some(stat);
    }
    let (whole, fraction) = name.strip_prefix('p')?.split_once('.').unwrap_or((&name[1..], "0"));
    let digits =
        |text: &str, most| !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole, 3) || !digits(fraction, 3) {
        return None;
    }
    let thousandths = whole.parse::<u32>().ok()? * 1000 + format!("{fraction:0<3}").parse::<u32>().ok()?;
    (1..=100_000).contains(&thousandths).then_some(Stat::Quantile(thousandths))
}

/// The known name that a mistyped one is nearest to, if any is near.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = &name.to_lowercase();
    // Two letters in each other's place are two replacements.
    let limit = ((name.chars().count() + 1) / 3).clamp(1, 3);
    known
        .map(|known| (distance(name, &known.to_lowercase()), known))
        .filter(|&(d, _)| d <= limit)
        .min()
        .map(|(_, known)| known)
}

/// Insertions, removals and replacements that turn one into the other. Of a long text only the beginning is compared.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().take(40).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
