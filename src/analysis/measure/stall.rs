use super::super::excuse::Excuses;
use super::super::group::{Group, Groups, Sums};
use super::super::history::Lengths;
use super::super::thresholds::{FINEST_STALL_NS, Metric, Stat, Value};
use super::super::{History, Threshold};
use super::selection::{unknown_crate, unseen};
use super::{LEAN_ERROR_NS, Measured, Selection, polls, statistic};
use stallscope_wire::counted;
use stallscope_wire::duration::show;

pub(super) fn measure(
    threshold: &Threshold,
    selection: &Selection<'_>,
    histories: &[&History],
) -> Result<Measured, String> {
    if !histories.iter().any(|history| history.is_watched()) {
        return Err("no poll was seen".to_owned());
    }
    if let Some(unseen) = unseen(threshold, histories) {
        return Err(unseen);
    }
    let mut groups = Groups::default();
    let mut lengths = Lengths::default();
    for history in histories {
        let takes = |subject: &_, record: &_| selection.takes_stall(subject, record);
        let (chosen, their_lengths) = history.stall_store().chosen(history.header(), takes);
        lengths.merge(&their_lengths);
        groups.extend(chosen);
    }
    let blamed = || groups.blamed();
    let sum = |of: fn(&Sums) -> u64| blamed().map(|group| of(&group.sums)).fold(0, u64::saturating_add);
    let whole_count = groups.certain().map(|group| group.sums.count).sum();
    let whole_total = groups.certain().map(|group| group.sums.total_ns).fold(0, u64::saturating_add);
    let nanos = |attributable, whole| (Value::Nanos(attributable), Value::Nanos(whole));
    let (attributable, whole) = match threshold.stat() {
        Stat::Max => nanos(
            blamed().map(Group::attributable_max_ns).max().unwrap_or(0),
            groups.certain().map(|group| group.sums.max_ns).max().unwrap_or(0),
        ),
        Stat::Count => (Value::Count(sum(|sums| sums.over)), Value::Count(whole_count)),
        Stat::Total => nanos(sum(|sums| sums.attributable_total_ns), whole_total),
        stat => {
            let together = groups.certain().map(|group| group.sums.together).sum();
            if together > 0 {
                return Err(told_together(together));
            }
            let limit = histories.iter().map(|history| history.header().threshold_ns).min().unwrap_or(0);
            let mut attributable = lengths.attributable;
            // A poll that is too long only by the host's part is no stall: not for the count, nor for its share here.
            let (long, short): (Vec<_>, Vec<_>) =
                attributable.buckets.into_iter().partition(|&(upper, _)| upper >= limit);
            let left_out_ns = short.iter().map(|&(upper, count)| upper.saturating_mul(count));
            let left_out_ns = left_out_ns.fold(0, u64::saturating_add);
            attributable.buckets = long;
            // Only the buckets know what was left out; where nothing was, the sum is exact.
            attributable.sum_ns = sum(|sums| sums.attributable_total_ns).saturating_sub(left_out_ns);
            (statistic(&attributable, stat), statistic(&lengths.whole, stat))
        }
    };
    let worst = blamed().max_by_key(|group| match threshold.stat() {
        Stat::Count => group.sums.over,
        Stat::Total => group.sums.attributable_total_ns,
        _ => group.attributable_max_ns(),
    });
    let measured = Measured {
        attributable,
        whole,
        worst: worst.map(|group| group.culprit.to_string()),
        doubt: histories.iter().find_map(|history| doubt(threshold, history)),
        remark: remark(&groups).or_else(|| {
            let estimated = histories.iter().any(|history| history.estimated());
            estimated.then(|| {
                format!("in mode lean a stall may be {} longer than it is known", show(LEAN_ERROR_NS))
            })
        }),
    };
    Ok(measured.remarking(unknown_crate(threshold, histories)))
}

/// Why there are neither means nor percentiles.
fn told_together(count: u64) -> String {
    format!(
        "of {} that were over when somebody came to look, only the longest and the sum are known: write stall.max, or have \
         the process keep a log (STALLSCOPE_LOG)",
        counted(count, "stall")
    )
}

/// What is left out because it is only probable.
fn remark(groups: &Groups) -> Option<String> {
    let (count, max) = groups
        .probable()
        .fold((0, 0), |(count, max), group| (count + group.sums.count, group.attributable_max_ns().max(max)));
    let stalls = if count == 1 { "stall is" } else { "stalls are" };
    (count > 0).then(|| format!("{count} probable {stalls} not counted, at most {}", show(max)))
}

/// Stalls that may have happened unseen: below the threshold that was recorded with, or dropped. The histogram of all
/// polls, which drops nothing, may prove that there were none.
fn doubt(threshold: &Threshold, history: &History) -> Option<String> {
    let recorded_from = history.header().threshold_ns;
    let (histogram, shift) = polls(history, &Excuses::default());
    let longest = shift.attributable(&histogram).max_ns;
    let known = histogram.count() > 0 && !history.estimated();
    let pid = history.header().pid;
    if let Some(limit) = threshold.needs_stalls_from_ns().filter(|&limit| limit < recorded_from)
        && !(known && threshold.holds(longest))
    {
        let recorded_from = show(recorded_from);
        return Some(format!(
            "process {pid} recorded stalls from {recorded_from} on only: {}",
            cure(threshold, limit)
        ));
    }
    let from = threshold.needs_stalls_from_ns().unwrap_or(recorded_from);
    let unnamed = history.stalls().find(|record| record.stall.draft && record.attributable_ns() >= from);
    if let Some(record) = unnamed {
        return Some(format!(
            "process {pid} ended before the stack of a stall of {} was named: give it longer to end",
            show(record.stall.duration_ns)
        ));
    }
    let dropped = history.lost().events.saturating_add(history.lost().lines);
    let none_dropped = known && longest < recorded_from.max(1);
    (dropped > 0 && !none_dropped)
        .then(|| format!("process {pid} dropped {dropped} reports, stalls perhaps among them"))
}

/// How to see what is as short as this limit.
fn cure(threshold: &Threshold, limit: u64) -> String {
    if limit >= FINEST_STALL_NS {
        return format!("set STALLSCOPE_THRESHOLD={}", show(limit));
    }
    let of_polls = threshold.expr().replacen(threshold.metric().name(), Metric::Poll.name(), 1);
    format!("no stall shorter than {} can be recorded, so write {of_polls}", show(FINEST_STALL_NS))
}
