//! One rule a file, named as its findings are.

mod accept_backlog;
mod blocking_poll;
mod blocking_pool;
mod detached_panic;
mod host_pause;
mod loop_lag;
mod lost_task;
mod name;
mod never_awaited;
mod never_polled;
mod socket_leak;
mod task_leak;

pub use name::Rule;

use super::{Finding, History, help};

/// What went wrong in these processes: by severity, then by the delay caused to others, then by its own length.
#[must_use]
pub fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut findings: Vec<_> = Rule::ALL.iter().flat_map(|&rule| findings_of(rule, histories)).collect();
    for finding in &mut findings {
        finding.help = help::advice(finding);
    }
    findings.sort_by(|a, b| {
        let rank = |f: &Finding| (f.severity, f.victims.delay_ns, f.total_ns, f.max_ns);
        rank(b).cmp(&rank(a)).then_with(|| a.rule.cmp(&b.rule)).then_with(|| a.culprit.cmp(&b.culprit))
    });
    findings
}

/// What one rule finds; findings and thresholds both ask here, so that they cannot disagree.
pub(super) fn findings_of(rule: Rule, histories: &[&History]) -> Vec<Finding> {
    match rule {
        Rule::BlockingPoll => blocking_poll::findings(histories),
        Rule::LoopLag => loop_lag::findings(histories),
        Rule::HostPause => host_pause::finding(histories).into_iter().collect(),
        Rule::NeverPolled => never_polled::findings(histories),
        Rule::TaskLeak => task_leak::findings(histories),
        Rule::NeverAwaited => never_awaited::findings(histories),
        Rule::BlockingPool => blocking_pool::findings(histories),
        Rule::DetachedPanic => detached_panic::findings(histories),
        Rule::LostTask => lost_task::findings(histories),
        Rule::SocketLeak => socket_leak::findings(histories),
        Rule::AcceptBacklog => accept_backlog::findings(histories),
    }
}
