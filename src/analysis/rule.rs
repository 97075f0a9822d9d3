//! One rule a file, named as its findings are.

mod blocking_poll;
mod host_pause;
mod loop_lag;
mod never_awaited;

use super::{Finding, History, help};

/// What went wrong in these processes: by severity, then by the delay caused to others, then by its own length.
#[must_use]
pub fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut findings = blocking_poll::findings(histories);
    findings.extend(loop_lag::findings(histories));
    findings.extend(host_pause::finding(histories));
    findings.extend(never_awaited::findings(histories));
    for finding in &mut findings {
        finding.help = help::advice(finding);
    }
    findings.sort_by(|a, b| {
        let rank = |f: &Finding| (f.severity, f.victims.delay_ns, f.total_ns, f.max_ns);
        rank(b).cmp(&rank(a)).then_with(|| a.rule.cmp(&b.rule)).then_with(|| a.culprit.cmp(&b.culprit))
    });
    findings
}
