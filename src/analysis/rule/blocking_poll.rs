//! One poll is longer than the threshold, and the code is to blame.

use super::super::group::Groups;
use super::super::{Finding, History, Rule, Severity};

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups = Groups::default();
    for history in histories {
        for group in history.stall_store().groups(history.header()).into_groups() {
            groups.add(group);
        }
    }
    groups
        .into_groups()
        .filter(|group| !group.worst.blames_host())
        .map(|group| {
            // Without the time that the machine did not run it, the poll would not have been too long.
            let severity = if group.over > 0 { Severity::Error } else { Severity::Warning };
            Finding::of_group(Rule::BlockingPoll, severity, &group)
        })
        .collect()
}
