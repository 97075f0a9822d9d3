//! What was measured, as rows: the same in every form.

use stallscope::analysis::{AllowanceState, Connections, Quantiles, Report, Route, SpawnSite, short_place};
use stallscope_wire::duration::show;

/// Rows under a head; the first column names what the others are about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) title: &'static str,
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
    /// Rows that are not among them.
    pub(super) left_out: u64,
}

/// All that are not empty, with this many rows at most each.
pub(super) fn of(report: &Report, most: usize) -> Vec<Table> {
    let tables = [allowed(report, most), handlers(report, most), tasks(report, most), times(report)];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

/// What is excused, by whom, and how much there was of it.
fn allowed(report: &Report, most: usize) -> Table {
    let rows = report.allowances.iter().take(most).map(|allowance| {
        let state = match (&allowance.until, allowance.state) {
            (Some(until), AllowanceState::Used) => format!("until {until}"),
            (None, AllowanceState::Used) => "used".to_owned(),
            (_, state) => state.to_string(),
        };
        vec![allowance.about(), allowance.how_much(), allowance.at.clone(), state, allowance.reason.clone()]
    });
    Table {
        title: "Allowed",
        head: vec!["allowed", "how much", "by", "", "why"],
        rows: rows.collect(),
        left_out: report.allowances.len().saturating_sub(most) as u64,
    }
}

/// Connections by what they serve and accept queues, where there are any.
pub(super) fn of_sockets(report: &Report, most: usize) -> Vec<Table> {
    let tables = [connections(report, most), accept_queues(report, most)];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn connections(report: &Report, most: usize) -> Table {
    let sockets = &report.sockets;
    let rows = sockets.groups.iter().take(most).map(|group| {
        let overdue = match group.overdue {
            0 => "-".to_owned(),
            count => format!("{count}, up to {}", show(group.overdue_max_ns)),
        };
        let counts = [group.open, group.most, group.opened, group.closed].map(|count| count.to_string());
        [served(group)].into_iter().chain(counts).chain([overdue]).collect()
    });
    Table {
        title: "Connections",
        head: vec!["connections", "open", "most", "opened", "closed", "left by the other side"],
        rows: rows.collect(),
        left_out: sockets.groups_left_out + sockets.groups.len().saturating_sub(most) as u64,
    }
}

fn accept_queues(report: &Report, most: usize) -> Table {
    let sockets = &report.sockets;
    let rows = sockets.listeners.iter().take(most).map(|listener| {
        let limit = listener.limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
        vec![listener.address.clone(), listener.waiting.to_string(), listener.most.to_string(), limit]
    });
    Table {
        title: "Accept queues",
        head: vec!["listener", "waiting", "most", "limit"],
        rows: rows.collect(),
        left_out: sockets.listeners_left_out + sockets.listeners.len().saturating_sub(most) as u64,
    }
}

/// What the connections of a group are for.
pub(super) fn served(group: &Connections) -> String {
    match (&group.route, group.incoming) {
        (Some(route), _) => format!("{route} on {}", group.address),
        (None, true) => format!("in at {}", group.address),
        (None, false) => format!("out to {}", group.address),
    }
}

/// Requests by route, worst p99 first.
fn handlers(report: &Report, most: usize) -> Table {
    let requests = &report.requests;
    Table {
        title: "Handlers",
        head: vec!["handler", "requests", "5xx", "p50", "p90", "p99", "max", "own", "behind", "awaiting"],
        rows: requests.routes.iter().take(most).map(route).collect(),
        left_out: requests.routes_left_out + requests.routes.len().saturating_sub(most) as u64,
    }
}

fn route(route: &Route) -> Vec<String> {
    let spent = route.spent;
    let accounted = spent.own_ns.saturating_add(spent.behind_ns).saturating_add(spent.awaiting_ns);
    let share = |part: u64| match accounted {
        0 => "-".to_owned(),
        all => format!("{:.0}%", part as f64 * 100.0 / all as f64),
    };
    let mut row = vec![route.route.clone(), route.requests().to_string(), route.statuses[4].to_string()];
    row.extend(figures(route.latency));
    row.extend([spent.own_ns, spent.behind_ns, spent.awaiting_ns].map(share));
    row
}

/// Tasks by the line that spawned them, those with most alive first.
fn tasks(report: &Report, most: usize) -> Table {
    let tasks = &report.tasks;
    Table {
        title: "Tasks",
        head: vec![
            "tasks spawned at",
            "alive",
            "spawned",
            "polls",
            "busy",
            "poll p99",
            "poll max",
            "first poll max",
        ],
        rows: tasks.locations.iter().take(most).map(site).collect(),
        left_out: tasks.locations_left_out + tasks.locations.len().saturating_sub(most) as u64,
    }
}

fn site(site: &SpawnSite) -> Vec<String> {
    let timed = site.poll_p99_ns.is_some();
    let unless = |known: bool, nanos: u64| if known { show(nanos).to_string() } else { "-".to_owned() };
    vec![
        short_place(&site.spawned_at).to_owned(),
        site.alive.to_string(),
        site.spawned.to_string(),
        site.polls.to_string(),
        unless(timed, site.busy_ns),
        unless(timed, site.poll_p99_ns.unwrap_or(0)),
        unless(timed, site.poll_max_ns),
        unless(site.first_poll.count > 0, site.first_poll.max_ns),
    ]
}

/// What new work waits, and how long polls are.
fn times(report: &Report) -> Table {
    let figures_of = &report.histograms.figures;
    let measured =
        [("loop lag", figures_of.lag), ("poll", figures_of.poll), ("wake to poll", figures_of.schedule)];
    let rows = measured.into_iter().filter(|(_, known)| known.is_some()).map(|(name, known)| {
        let count = known.map_or(0, |known| known.count);
        [name.to_owned(), count.to_string()].into_iter().chain(figures(known)).collect()
    });
    Table {
        title: "Times",
        head: vec!["time", "count", "p50", "p90", "p99", "max"],
        rows: rows.collect(),
        left_out: 0,
    }
}

fn figures(known: Option<Quantiles>) -> [String; 4] {
    known.map_or_else(
        || ["-", "-", "-", "-"].map(str::to_owned),
        |known| [known.p50_ns, known.p90_ns, known.p99_ns, known.max_ns].map(|nanos| show(nanos).to_string()),
    )
}
