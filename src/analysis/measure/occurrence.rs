use super::super::excuse::Excuses;
use super::super::rule::findings_of;
use super::super::thresholds::{Metric, Value};
use super::super::{Finding, History, Rule, Severity, Threshold};
use super::{Measured, Selection};
use stallscope_wire::duration::show;
use stallscope_wire::{Certainty, Tier};

/// Where sockets are told of, they are within this time, in nanoseconds.
const SOCKETS_WITHIN_NS: u64 = 2_000_000_000;

/// How often a rule fired for certain. An assumed threshold says nothing of processes that cannot show it; one that was asked
/// for does not hold as long as there are any.
pub(super) fn measure(
    threshold: &Threshold,
    rule: Rule,
    selection: &Selection<'_>,
    histories: &[&History],
) -> Result<Measured, String> {
    let found = findings_of(rule, histories);
    if found.is_empty() && !histories.iter().any(|history| history.is_watched()) {
        return Err("no poll was seen".to_owned());
    }
    let told = |finding: &&Finding| finding.severity >= Severity::Warning && selection.takes_finding(finding);
    let (certain, probable): (Vec<_>, Vec<_>) =
        found.iter().filter(told).partition(|finding| finding.certainty == Certainty::Exact);
    let count = |found: &[&Finding]| found.iter().map(|finding| finding.count).fold(0, u64::saturating_add);
    let blind = histories.iter().find_map(|history| blindness(rule, history));
    if let Some(why) = blind.clone().filter(|_| found.is_empty() && all_blind(rule, histories)) {
        return Err(why);
    }
    let (doubt, not_asked) = if threshold.is_assumed() { (None, blind) } else { (blind, None) };
    let left_out = match count(&probable) {
        0 => None,
        1 => Some("1 that is only probable is not counted".to_owned()),
        count => Some(format!("{count} that are only probable are not counted")),
    };
    let limited = histories.iter().find_map(|history| limitation(rule, history));
    let remarks: Vec<_> = [not_asked, left_out, limited].into_iter().flatten().collect();
    let value = Value::Count(count(&certain));
    Ok(Measured {
        attributable: value,
        whole: value,
        worst: certain.iter().max_by_key(|finding| finding.count).map(|finding| finding.culprit.to_string()),
        doubt,
        remark: (!remarks.is_empty()).then(|| remarks.join("; ")),
    })
}

/// Why the metric can be told in none of these processes, and is told in none; none when it can.
pub(in super::super) fn out_of_sight(metric: Metric, histories: &[&History]) -> Option<String> {
    let rule = rule_of(metric).filter(|&rule| all_blind(rule, histories))?;
    let why = histories.iter().find_map(|history| blindness(rule, history))?;
    findings_of(rule, histories).is_empty().then_some(why)
}

/// The rules whose findings are counted, and the metrics that count them.
const COUNTED: [(Metric, Rule); 8] = [
    (Metric::NeverAwaited, Rule::NeverAwaited),
    (Metric::NeverPolled, Rule::NeverPolled),
    (Metric::DetachedPanic, Rule::DetachedPanic),
    (Metric::LostTask, Rule::LostTask),
    (Metric::TaskLeak, Rule::TaskLeak),
    (Metric::BlockingPool, Rule::BlockingPool),
    (Metric::SocketLeak, Rule::SocketLeak),
    (Metric::AcceptBacklog, Rule::AcceptBacklog),
];

/// The rule whose findings the metric counts.
pub(super) fn rule_of(metric: Metric) -> Option<Rule> {
    COUNTED.iter().find(|(counts, _)| *counts == metric).map(|&(_, rule)| rule)
}

/// What was found and would breach, had a threshold been about it: in a sentence for each rule.
pub(in super::super) fn unguarded(
    thresholds: &[Threshold],
    excused: &Excuses,
    histories: &[&History],
) -> Vec<String> {
    let is_guarded = |metric| thresholds.iter().any(|threshold| threshold.metric() == metric);
    let breaches = |finding: &Finding| {
        finding.severity >= Severity::Warning
            && finding.certainty == Certainty::Exact
            && !excused.is_finding(finding)
    };
    let found = |rule| findings_of(rule, histories).iter().any(breaches);
    let kept = if thresholds.iter().any(Threshold::is_assumed) {
        "; it replaces the defaults, so give these too"
    } else {
        ""
    };
    let unguarded = COUNTED.iter().filter(|&&(metric, rule)| !is_guarded(metric) && found(rule));
    let note = |&(_, rule): &(Metric, Rule)| {
        format!("no threshold is about {rule}: --fail-on '{rule}.count == 0' fails on it{kept}")
    };
    unguarded.map(note).collect()
}

fn all_blind(rule: Rule, histories: &[&History]) -> bool {
    histories.iter().all(|history| blindness(rule, history).is_some())
}

/// Why a process cannot show what the rule is about, and the cure.
fn blindness(rule: Rule, history: &History) -> Option<String> {
    let header = history.header();
    let what = match rule {
        Rule::NeverPolled | Rule::TaskLeak => "no hook tells of the tasks",
        Rule::BlockingPool => "the pool is not looked at",
        Rule::SocketLeak => return unlisted(history),
        Rule::AcceptBacklog => return unlisted(history).or_else(|| unlimited(history)),
        _ => return None,
    };
    (header.tier == Tier::Sampled).then(|| {
        format!(
            "{what} in process {}, which is of the tier sampled: build it with --cfg tokio_unstable, and use \
             #[stallscope::main] or stallscope::install",
            header.pid
        )
    })
}

/// Sockets are told of about once a second, where they are.
fn unlisted(history: &History) -> Option<String> {
    let pid = history.header().pid;
    let listed = history.sockets().is_some() || history.observed_ns() < SOCKETS_WITHIN_NS;
    (!listed).then(|| format!("the sockets of process {pid} are not told of: run it on Linux"))
}

/// Without its limit, nobody knows how full an accept queue is.
fn unlimited(history: &History) -> Option<String> {
    let mut limits = history.queues().iter().map(|(_, queue)| queue.limit).peekable();
    let unlimited = limits.peek().is_some() && limits.all(|limit| limit == 0);
    let pid = history.header().pid;
    unlimited.then(|| {
        format!("how many connections may wait is not told of process {pid}: let it open netlink sockets")
    })
}

/// Why the count of a process may be too low.
fn limitation(rule: Rule, history: &History) -> Option<String> {
    let (pid, lost) = (history.header().pid, history.lost());
    let forgotten = match rule {
        Rule::TaskLeak => return unjudged(history),
        Rule::SocketLeak => return unjudged_connections(history),
        Rule::NeverPolled => history.unpolled().forgotten(),
        Rule::DetachedPanic => history.failures().forgotten(),
        Rule::LostTask => history.orphans().forgotten(),
        Rule::BlockingPool => history.pool_waits().forgotten(),
        // Counters tell of it, of which none is dropped.
        _ => return None,
    };
    let waits = if rule == Rule::NeverPolled { lost.first_polls } else { 0 };
    let dropped = lost.events.saturating_add(lost.lines).saturating_add(waits);
    if dropped > 0 {
        return Some(format!("process {pid} dropped {dropped} reports, perhaps some of this"));
    }
    (forgotten > 0).then(|| format!("{forgotten} older ones of process {pid} are not counted"))
}

/// Of which tasks nobody can say whether they leak.
fn unjudged(history: &History) -> Option<String> {
    let (pid, growth, seen_ns) = (history.header().pid, history.growth(), history.observed_ns());
    if seen_ns < growth.window_ns() {
        let (seen, window) = (show(seen_ns), show(growth.window_ns()));
        return Some(format!(
            "process {pid} was seen for {seen}, and a leak is told after {window} (STALLSCOPE_LEAK_WINDOW)"
        ));
    }
    let unfollowed = growth.unfollowed();
    (unfollowed > 0).then(|| format!("{unfollowed} spawn locations of process {pid} are not followed"))
}

/// Of which connections nobody can say whether they leak.
fn unjudged_connections(history: &History) -> Option<String> {
    let (header, connections, seen_ns) = (history.header(), history.connections(), history.observed_ns());
    if history.sockets().is_some() && connections.groups().next().is_none() {
        return None;
    }
    let (pid, seen) = (header.pid, show(seen_ns));
    let (limit_ns, window_ns) = (header.close_wait_ns, connections.window_ns());
    if seen_ns < limit_ns {
        let limit = show(limit_ns);
        return Some(format!(
            "process {pid} was seen for {seen}, and a connection that its other side closed is told of after {limit} \
             (STALLSCOPE_CLOSE_WAIT)"
        ));
    }
    if seen_ns < window_ns {
        let window = show(window_ns);
        return Some(format!(
            "process {pid} was seen for {seen}, and connections that only grow in number are told of after {window} \
             (STALLSCOPE_LEAK_WINDOW)"
        ));
    }
    let unfollowed = connections.unfollowed();
    (unfollowed > 0).then(|| format!("{unfollowed} groups of connections of process {pid} are not followed"))
}
