//! One poll is longer than the threshold, and the code is to blame.

use super::super::group::{Group, Groups};
use super::super::{Culprit, Finding, History, Rule, Severity};
use stallscope_wire::Allowed;
use stallscope_wire::duration::show;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups = Groups::default();
    for history in histories {
        groups.extend(history.stall_store().groups(history.header()));
    }
    let found = groups.blamed().map(|group| {
        // Without the time that the machine did not run it, the poll would not have been too long.
        let severity = if group.sums.over > 0 { Severity::Error } else { Severity::Warning };
        Finding { detail: partly_allowed(group), ..Finding::of_group(Rule::BlockingPoll, severity, group) }
    });
    // Several short polls may have looked like one long one.
    let probable =
        groups.probable().map(|group| Finding::of_group(Rule::BlockingPoll, Severity::Warning, group));
    found.chain(probable).chain(groups.allowed().map(allowed)).collect()
}

/// What of the longest is not blamed.
fn partly_allowed(group: &Group) -> Option<String> {
    let allowed = group.worst.stall.allowed.as_ref()?;
    let at = place(allowed).map(|at| format!(" at {at}")).unwrap_or_default();
    Some(format!("another {} of the longest are allowed{at}: {}", show(allowed.ns), reason(allowed)))
}

/// What the code allows itself is told, with its reason.
fn allowed(group: &Group) -> Finding {
    let mut finding = Finding::of_group(Rule::BlockingPoll, Severity::Info, group);
    if let Some(allowed) = &group.worst.stall.allowed {
        finding.allowed_by = Some(reason(allowed).to_owned());
        finding.allowed_at = place(allowed);
    }
    finding
}

/// Where the code says so; none of one line of more than are told apart.
fn place(allowed: &Allowed) -> Option<String> {
    (!allowed.at.is_empty()).then(|| Culprit::at(&allowed.at).to_string())
}

fn reason(allowed: &Allowed) -> &str {
    match &*allowed.reason {
        "" => "stallscope::allow, at one line of more than are told apart",
        reason => reason,
    }
}
