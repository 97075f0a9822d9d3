use super::super::excuse::Excuses;
use super::super::history::Subject;
use super::super::thresholds::nearest;
use super::super::thresholds::{Labels, Metric};
use super::super::{Finding, History, StallRecord, Terms, Threshold};
use stallscope_wire::Frame;
use std::collections::BTreeSet;

/// The overrides and routes that are named in one remark.
const NAMED: usize = 5;

/// Which of all there is a threshold is about. What is not known of a thing excludes it from what is named, and from nothing
/// else: so it is judged by the thresholds that name nothing.
#[derive(Debug, Clone)]
pub(super) struct Selection<'a> {
    only: &'a Labels,
    /// What other thresholds of the metric have claimed.
    without: Vec<&'a Labels>,
    /// What is no matter of any threshold.
    excused: &'a Excuses,
}

impl<'a> Selection<'a> {
    pub(super) fn of(threshold: &'a Threshold, terms: &'a Terms, excused: &'a Excuses) -> Self {
        let claims =
            terms.thresholds.iter().filter(|other| other.overrides() && other.metric() == threshold.metric());
        let mut without: Vec<_> = claims.map(Threshold::labels).collect();
        without.sort_unstable();
        without.dedup();
        // One that names something is about all of that, whoever else claims a part of it.
        without.retain(|_| threshold.labels().is_empty());
        Self { only: threshold.labels(), without, excused }
    }

    pub(super) fn takes_stall(&self, subject: &Subject, record: &StallRecord) -> bool {
        let named = |labels: &Labels| {
            let is = |wanted: &Option<String>, known: &Option<String>| wanted.is_none() || wanted == known;
            is(&labels.route, &subject.route) && is(&labels.krate, &subject.krate)
        };
        named(self.only) && !self.without.iter().any(|labels| named(labels)) && !self.excused.is_stall(record)
    }

    pub(super) fn takes_route(&self, route: &str) -> bool {
        let named = |labels: &Labels| labels.route.as_deref().is_none_or(|wanted| wanted == route);
        named(self.only) && !self.without.iter().any(|labels| named(labels))
    }

    /// Whether a finding of a rule that is counted is among them: such have no labels.
    pub(super) fn takes_finding(&self, finding: &Finding) -> bool {
        !self.excused.is_finding(finding)
    }

    /// What is judged by thresholds of its own, for people.
    pub(super) fn left_out(&self, metric: Metric) -> Option<String> {
        let count = self.without.len();
        let named = self.without.iter().take(NAMED).map(|labels| format!("{}{labels}", metric.name()));
        let mut named: Vec<_> = named.collect();
        if count > NAMED {
            named.push(format!("{} others", count - NAMED));
        }
        let limits = if count == 1 { "has limits of its own" } else { "have limits of their own" };
        (count > 0).then(|| format!("{} {limits}", named.join(" and ")))
    }
}

/// Why there is nothing that a threshold with a route could be about; none when there is.
pub(in super::super) fn unseen(threshold: &Threshold, histories: &[&History]) -> Option<String> {
    let route = threshold.route()?;
    let mut known: BTreeSet<_> = super::handler::routes(histories).into_keys().collect();
    let subjects = histories.iter().flat_map(|history| history.stall_store().subjects());
    known.extend(subjects.filter_map(|subject| subject.route));
    if known.contains(route) {
        return None;
    }
    let hint = match nearest(route, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => "is stallscope::http::Layer in place?".to_owned(),
        None => format!("routes seen: {}", listed(&known)),
    };
    Some(format!("no request to \"{route}\" was seen; {hint}"))
}

/// That nothing seen belongs to the crate that a threshold is about, and what may have been meant. That is no fault by itself: of
/// a crate that never blocks nothing is seen.
pub(super) fn unknown_crate(threshold: &Threshold, histories: &[&History]) -> Option<String> {
    let name = threshold.labels().krate.as_deref()?;
    let subjects = histories.iter().flat_map(|history| history.stall_store().subjects());
    let mut known: BTreeSet<_> = subjects.filter_map(|subject| subject.krate).collect();
    let stacks =
        || histories.iter().flat_map(|history| history.stalls()).filter_map(|r| r.stall.stack.as_ref());
    let user = |frame: &&Frame| frame.user;
    known.extend(
        stacks().flat_map(|stack| &stack.frames).filter(user).filter_map(|frame| frame.krate.clone()),
    );
    known.extend(histories.iter().map(|history| program(&history.header().exe)));
    if known.contains(name) {
        return None;
    }
    let hint = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("seen: {}", listed(&known)),
    };
    Some(format!("nothing was seen of the crate \"{name}\"; {hint}"))
}

/// The crate that a program is the root of: cargo names a test's file with a hash behind that, and keeps dashes in others.
fn program(exe: &str) -> String {
    let name = exe.rsplit('/').next().unwrap_or(exe);
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = name.rsplit_once('-').filter(|(_, end)| is_hash(end)).map_or(name, |(name, _)| name);
    name.replace('-', "_")
}

/// The first of them, in quotes.
fn listed(names: &BTreeSet<String>) -> String {
    let named: Vec<_> = names.iter().take(NAMED).map(|name| format!("\"{name}\"")).collect();
    format!("{}{}", named.join(", "), if names.len() > NAMED { ", …" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_names_its_crate() {
        for exe in ["/srv/target/debug/my-app", "/srv/target/debug/deps/my_app-0123456789abcdef", "my_app"] {
            assert_eq!(program(exe), "my_app");
        }
        assert_eq!(program("/srv/my-app-0123"), "my_app_0123");
    }
}
