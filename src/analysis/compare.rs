//! Two sides of runs compared: what got worse, what got better, and what may be chance.
//!
//! A change counts when its estimate is large enough to matter ([`Limits`]) and when chance does not explain it. All bounds
//! are one-sided and share one probability of a false alarm, `1 - confidence`, which is divided by the number of
//! comparisons (Bonferroni), so that a report with a hundred lines is no more likely to cry wolf than one with a single line.
//!
//! *Within the runs of a side, taken together*
//! - **Quantiles**: the interval between two order statistics that holds the quantile whatever the distribution is (W. J. Conover,
//!   Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2). The lower end of NEW must lie above the upper end of BASE, each
//!   with half of the probability. Neighbouring durations of one run resemble each other, so that they count as a quarter
//!   as many as they are: what a first-order autocorrelation of 0.6 does to the variance of a mean, (1 + 0.6) / (1 - 0.6).
//! - **How often**: counts are Poisson; given both sides' sum, the one of NEW is binomial (J. Przyborowski and H. Wilenski,
//!   Biometrika 31, 1940), whose share is bounded as C. J. Clopper and E. S. Pearson do it (Biometrika 26, 1934).
//! - **Blocked time**: a sum of lengths whose number is Poisson. Counted in units of the longest it has at least the variance of
//!   such a sum (the idea of M. P. Fay and E. J. Feuer, Statistics in Medicine 16, 1997), so that the same bound holds.
//!
//! *Between the runs*, where a side has several: the difference of the runs' means, bounded by B. L. Welch's t (Biometrika 34,
//! 1947) and by the percentiles of a bootstrap over the runs (B. Efron and R. Tibshirani, An Introduction to the Bootstrap,
//! 1993, chapter 13). Both must say so: the first is right for few runs, the second for skewed ones. The bootstrap's seed is fixed.
//! Where only one side has several runs, all of them must lie on the same side of the single one. A single run does not
//! tell how far runs differ: that shifts of a quarter come from nowhere is common (T. Mytkowicz et al., Producing Wrong Data Without
//! Doing Anything Obviously Wrong, ASPLOS 2009), so that the bound must be beyond that there.
//!
//! The longest of a side has no bound within a run, so it is only compared between runs.

mod bounds;
mod change;
mod moved;
mod runs;
mod sample;
mod special;

pub use change::{Change, Comparison, Kind, Limits, Outlook, Quantity, Subject};
pub use sample::{Sample, SampleError};

use bounds::{Evidence, Side};
use stallscope_wire::counted;
use std::collections::{BTreeMap, BTreeSet};

/// Compares what was seen in the runs of two sides.
///
/// ```
/// use stallscope::analysis::compare::{Limits, Outlook, Sample, compare};
/// use stallscope::analysis::Report;
/// let sample = Sample::of_report(&Report::default()).unwrap();
/// let comparison = compare(&[sample.clone()], &[sample], &Limits::default());
/// assert_eq!(comparison.outlook(), Outlook::TooLittle);
/// ```
#[must_use]
pub fn compare(base: &[Sample], new: &[Sample], limits: &Limits) -> Comparison {
    let mut notes: Vec<_> = [("BASE", base), ("NEW", new)].into_iter().filter_map(incomplete).collect();
    let renamed = moved::follow(base, new);
    let base = &renamed;
    let stalls = comparable_stalls(base, new, &mut notes);
    let mut pairs = Vec::new();
    if stalls {
        pairs.extend(culprits(base, new));
    }
    pairs.extend(distributions(base, new));
    pairs.extend(spawn_sites(base, new));
    let compared = pairs.iter().filter(|pair| pair.base.is_seen() || pair.new.is_seen()).count().max(1);
    let evidence = Evidence { chance: (1.0 - limits.confidence) / compared as f64, limits: *limits };
    let mut changes: Vec<_> = pairs.iter().map(|pair| change::judge(pair, &evidence)).collect();
    changes.extend(findings(base, new));
    changes.retain(|change| !change.is_told_elsewhere());
    changes.sort_by(|one, other| {
        one.rank().cmp(&other.rank()).then_with(|| other.weight().total_cmp(&one.weight()))
    });
    Comparison { base_runs: base.len(), new_runs: new.len(), limits: *limits, changes, notes }
}

/// One thing that is compared.
#[derive(Debug)]
struct Pair {
    subject: Subject,
    quantity: Quantity,
    base: Side,
    new: Side,
}

/// What is to be known of runs whose end was not seen.
fn incomplete((name, side): (&str, &[Sample])) -> Option<String> {
    let count = side.iter().filter(|sample| !sample.complete).count() as u64;
    let are = if count == 1 { "is" } else { "are" };
    (count > 0).then(|| {
        format!("{} of {name} {are} incomplete: killed, cut, or still running", counted(count, "run"))
    })
}

/// Stalls that one side did not record are no fewer stalls.
fn comparable_stalls(base: &[Sample], new: &[Sample], notes: &mut Vec<String>) -> bool {
    let of = |side: &[Sample]| side.iter().filter_map(|sample| sample.threshold_ns).collect::<BTreeSet<_>>();
    let thresholds: BTreeSet<_> = of(base).union(&of(new)).copied().collect();
    let tiers: BTreeSet<_> = base.iter().chain(new).flat_map(|sample| &sample.tiers).cloned().collect();
    if tiers.len() > 1 {
        let tiers: Vec<_> = tiers.into_iter().collect();
        notes.push(format!("the runs are of the tiers {}: polls are seen differently", tiers.join(" and ")));
    }
    if thresholds.len() > 1 {
        let shown: Vec<_> =
            thresholds.iter().map(|&ns| stallscope_wire::duration::show(ns).to_string()).collect();
        notes.push(format!(
            "stalls were recorded from different lengths on ({}), so that they are not compared: set one \
             STALLSCOPE_THRESHOLD for all runs",
            shown.join(", ")
        ));
    }
    thresholds.len() <= 1
}

fn culprits(base: &[Sample], new: &[Sample]) -> Vec<Pair> {
    let names: BTreeMap<_, _> = base
        .iter()
        .chain(new)
        .flat_map(|sample| &sample.culprits)
        .map(|(key, seen)| (key, &seen.name))
        .collect();
    let mut pairs = Vec::new();
    for (key, name) in names {
        let subject = Subject { kind: Kind::Culprit, name: name.clone() };
        let side = |samples: &[Sample], quantity| Side::of_culprit(samples, key, quantity);
        for quantity in [Quantity::BlockedPerMinute, Quantity::StallsPerMinute, Quantity::Longest] {
            let (base, new) = (side(base, quantity), side(new, quantity));
            pairs.push(Pair { subject: subject.clone(), quantity, base, new });
        }
    }
    pairs
}

fn distributions(base: &[Sample], new: &[Sample]) -> Vec<Pair> {
    let subjects: BTreeSet<_> =
        base.iter().chain(new).flat_map(|sample| sample.distributions.keys()).collect();
    let pairs = subjects.into_iter().flat_map(|subject| {
        [Quantity::P50, Quantity::P99].map(|quantity| Pair {
            subject: subject.clone(),
            quantity,
            base: Side::of_distribution(base, subject, quantity),
            new: Side::of_distribution(new, subject, quantity),
        })
    });
    pairs.collect()
}

/// Spawn locations of which only a few numbers are known, as in a report.
fn spawn_sites(base: &[Sample], new: &[Sample]) -> Vec<Pair> {
    let places: BTreeSet<_> = base.iter().chain(new).flat_map(|sample| sample.sites.keys()).collect();
    let pairs = places.into_iter().flat_map(|place| {
        [Quantity::Mean, Quantity::P99].map(|quantity| Pair {
            subject: Subject { kind: Kind::Spawn, name: place.clone() },
            quantity,
            base: Side::of_site(base, place, quantity),
            new: Side::of_site(new, place, quantity),
        })
    });
    pairs.collect()
}

/// Findings that are no stalls: what only one side has is told.
fn findings(base: &[Sample], new: &[Sample]) -> Vec<Change> {
    let of =
        |side: &[Sample]| side.iter().flat_map(|sample| sample.findings.clone()).collect::<BTreeSet<_>>();
    let (base, new) = (of(base), of(new));
    let gone = base.difference(&new).map(|name| Change::finding(name, false));
    gone.chain(new.difference(&base).map(|name| Change::finding(name, true))).collect()
}
