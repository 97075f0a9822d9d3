use super::Pace;
use stallscope::analysis::short_place;
use stallscope_wire::Location;

/// A spawn location, as the dashboard shows it. What is not known is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TaskRow {
    /// Tells it from the others.
    pub(crate) spawned_at: String,
    /// `file:line:column`, short enough for a line.
    pub(crate) place: String,
    pub(crate) name: Option<String>,
    /// It calls `spawn_blocking`: tokio tells of these jobs only that they ended.
    pub(crate) blocking: bool,
    /// A finding is about it.
    pub(crate) accused: bool,
    pub(crate) alive: Option<u64>,
    pub(crate) spawned: Option<u64>,
    pub(crate) finished: Option<u64>,
    pub(crate) polls: Option<u64>,
    pub(crate) busy_ns: Option<u64>,
    /// Over the last second.
    pub(crate) pace: Option<Pace>,
    pub(crate) poll_mean_ns: Option<u64>,
    pub(crate) poll_p99_ns: Option<u64>,
    pub(crate) poll_max_ns: Option<u64>,
    pub(crate) first_mean_ns: Option<u64>,
    pub(crate) first_max_ns: Option<u64>,
    pub(crate) schedule_mean_ns: Option<u64>,
    pub(crate) schedule_max_ns: Option<u64>,
    pub(crate) self_wakes: Option<u64>,
    /// For how long none of those alive had been polled when this was told.
    pub(crate) idle_ns: Option<u64>,
}

impl TaskRow {
    pub(super) fn of(location: &Location, pace: Option<Pace>, accused: bool, told_at_ns: u64) -> Self {
        let blocking = location.spawned == 0 && location.finished > 0;
        // A process of an earlier version counts polls alone.
        let counted = (location.spawned > 0).then_some(location);
        let polled = (!blocking).then_some(location);
        let timed = polled.filter(|location| location.poll.count() > 0);
        let (first, schedule) = (&location.first_poll, &location.schedule);
        let longest = |waits: &stallscope_wire::Waits| (waits.count > 0).then_some(waits.max_ns);
        Self {
            spawned_at: location.spawned_at.clone(),
            place: short_place(&location.spawned_at).to_owned(),
            name: location.name.clone(),
            blocking,
            accused,
            alive: counted.map(Location::alive),
            spawned: counted.map(|location| location.spawned),
            finished: (location.spawned > 0 || blocking).then_some(location.finished),
            polls: polled.map(|location| location.polls),
            busy_ns: polled.map(|location| location.total_ns),
            pace: pace.filter(|_| !blocking),
            poll_mean_ns: polled.and_then(|location| location.total_ns.checked_div(location.polls)),
            poll_p99_ns: timed.map(|location| location.poll.quantile(0.99)),
            poll_max_ns: polled.filter(|location| location.polls > 0).map(|location| location.max_ns),
            first_mean_ns: first.mean_ns(),
            first_max_ns: longest(first),
            schedule_mean_ns: schedule.mean_ns(),
            schedule_max_ns: longest(schedule),
            self_wakes: polled.map(|location| location.self_wakes),
            idle_ns: counted
                .filter(|location| location.alive() > 0)
                .and(location.last_poll_ns)
                .map(|at_ns| told_at_ns.saturating_sub(at_ns)),
        }
    }
}
