//! One poll is longer than the threshold, and the code is to blame.

use super::super::group::Groups;
use super::super::{Finding, History, Rule, Severity};

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups = Groups::default();
    for history in histories {
        groups.extend(history.stall_store().groups(history.header()));
    }
    let found = groups.blamed().map(|group| {
        // Without the time that the machine did not run it, the poll would not have been too long.
        let severity = if group.sums.over > 0 { Severity::Error } else { Severity::Warning };
        Finding::of_group(Rule::BlockingPoll, severity, group)
    });
    // Several short polls may have looked like one long one.
    let probable =
        groups.probable().map(|group| Finding::of_group(Rule::BlockingPoll, Severity::Warning, group));
    found.chain(probable).collect()
}
