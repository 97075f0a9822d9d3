//! Whose connections are left open, and whose wait to be accepted.

use crate::scenario::{MS, Process, found, judged, process};
use stallscope::analysis::{Finding, History, Report, Rule, Severity, SocketLeak, Verdict};
use stallscope_wire::{Certainty, Line, Socket, SocketGroup, Sockets};

const LISTENER: &str = "127.0.0.1:8080";
const UPSTREAM: &str = "10.0.0.1:5432";

/// Connections that came in for a route: so many were opened, and so many of these closed.
fn incoming(route: &str, opened: u64, closed: u64) -> SocketGroup {
    let route = Some(route.to_owned());
    SocketGroup { incoming: true, route, ..outgoing(LISTENER, opened, closed) }
}

fn outgoing(address: &str, opened: u64, closed: u64) -> SocketGroup {
    SocketGroup { address: address.into(), open: opened - closed, opened, closed, ..SocketGroup::default() }
}

/// Of these, so many were closed by the other side, the oldest so long ago, and so many before the limit.
fn left_over(group: SocketGroup, close_wait: u64, for_s: u64, overdue: u64) -> SocketGroup {
    SocketGroup { close_wait, close_wait_ns: for_s * 1000 * MS, overdue, ..group }
}

/// A client of a database: by each second so many connections were opened and closed.
fn client(seconds: u64, of: impl Fn(u64) -> (u64, u64)) -> History {
    let groups = |second| {
        let (opened, closed) = of(second);
        vec![outgoing(UPSTREAM, opened, closed)]
    };
    process().connects(0..=seconds, groups).ended()
}

/// A listener with room for 128, in whose queue so many wait second by second.
fn queued(waiting: &[u64]) -> Process {
    (1..).zip(waiting).fold(process(), |process, (second, &waiting)| {
        let (local, state) = (LISTENER.into(), "LISTEN".into());
        let listener = Socket { local, state, receive_queue: waiting, send_queue: 128, ..Socket::default() };
        let sockets = Sockets { at_ns: second * 1000 * MS, sockets: vec![listener], ..Sockets::default() };
        process.line(Line::Socket(sockets))
    })
}

fn one(history: &History) -> Finding {
    let [finding] = &found(history)[..] else { panic!("{:#?}", found(history)) };
    finding.clone()
}

#[test]
fn what_clients_closed_long_ago_is_a_leak_of_its_route() {
    let leaky = |second: u64| {
        let overdue = second.saturating_sub(10).min(12);
        vec![
            left_over(incoming("GET /ws/leaky", 14, 0), 12, second.min(14), overdue),
            incoming("GET /ws", 100, 88),
        ]
    };
    let finding = one(&process().connects(0..=30, leaky).ended());
    assert_eq!((finding.rule, finding.severity), (Rule::SocketLeak, Severity::Error));
    assert_eq!(finding.leak, Some(SocketLeak::CloseWait));
    let said =
        "GET /ws/leaky on 127.0.0.1:8080 keeps 12 connections that their clients closed, the oldest for 14s";
    assert_eq!(finding.to_string(), said);
    assert_eq!(
        (finding.count, finding.ongoing, &*finding.first_seen),
        (12, true, "1970-01-01T00:00:00.000Z")
    );
    assert!(
        finding.help.starts_with("drop a connection when reading it returns 0 bytes"),
        "{}",
        finding.help
    );
}

#[test]
fn a_client_that_keeps_what_the_server_closed_is_named_by_the_server() {
    let stale = |second: u64| vec![left_over(outgoing(UPSTREAM, 3, 0), 1, second, u64::from(second > 10))];
    let finding = one(&process().connects(0..=12, stale).ended());
    let said = "the client of 10.0.0.1:5432 keeps a connection that the server closed, for 12s";
    assert_eq!(finding.to_string(), said);
}

#[test]
fn a_handler_that_still_answers_a_half_closed_client_is_none() {
    let answering = |second: u64| vec![left_over(incoming("GET /report", 50, 48), 2, second.min(9), 0)];
    assert_eq!(found(&process().connects(0..=60, answering).ended()), []);
}

#[test]
fn what_was_closed_late_was_a_leak_and_is_over() {
    let late = |second: u64| match second {
        0..=15 => vec![left_over(incoming("GET /", 5, 0), 5, second, if second > 10 { 5 } else { 0 })],
        _ => vec![incoming("GET /", 5, 5)],
    };
    let finding = one(&process().connects(0..=20, late).ended());
    assert!(!finding.ongoing && finding.to_string().contains(" kept 5 connections"), "{finding}");
}

#[test]
fn a_client_whose_connections_only_grow_in_number_leaks() {
    let finding = one(&client(31, |second| (4 * second, 4 * second / 30)));
    assert_eq!((finding.severity, finding.certainty), (Severity::Error, Certainty::Exact));
    assert_eq!((finding.leak, finding.count), (Some(SocketLeak::Growth), 120));
    assert_eq!(
        finding.to_string(),
        "the client of 10.0.0.1:5432 leaks: within 31s it opened 120 more connections than it closed"
    );
    assert_eq!(finding.detail.as_deref(), Some("120 open; of 124 opened within 31s, 4 closed"));
    assert!(finding.help.starts_with("share one client"), "{}", finding.help);
}

#[test]
fn that_ever_more_clients_come_is_only_probably_a_leak() {
    let history = process().connects(0..=40, |second| vec![incoming("GET /ws", 5 * second, 0)]).ended();
    let finding = one(&history);
    assert_eq!((finding.severity, finding.certainty), (Severity::Warning, Certainty::Probable));
    assert!(finding.to_string().starts_with("GET /ws on 127.0.0.1:8080 probably leaks: within"), "{finding}");
    assert!(finding.doubt().expect("it is doubted").contains("more of them may only have come"));
    assert_eq!(judged("socket-leak.count == 0", &history).verdict, Verdict::Pass);
}

#[test]
fn a_pool_that_fills_up_to_its_bound_is_none() {
    assert_eq!(found(&client(60, |second| (10 * second.min(10), 0))), []);
    let slowly = |second: u64| (2 * second.min(50), 0);
    assert_eq!(found(&client(50, slowly)).len(), 1, "it only grew so far");
    assert_eq!(found(&client(90, slowly)), [], "and then stood still");
}

#[test]
fn ten_thousand_that_merely_connected_are_none() {
    let idle = |second: u64| vec![incoming("GET /", (2500 * second).min(10_000), 0)];
    assert_eq!(found(&process().connects(0..=120, idle).ended()), []);
    let slow_ramp = |second: u64| vec![incoming("GET /", (200 * second).min(10_000), 0)];
    assert_eq!(found(&process().connects(0..=90, slow_ramp).ended()), []);
}

#[test]
fn waves_and_connections_that_come_and_go_are_none() {
    assert_eq!(found(&client(120, |second| (1000 * second + 5, 1000 * second))), []);
    let wave = |second: u64| (10 * second.min(40), 10 * second.saturating_sub(40).min(40));
    assert_eq!(found(&client(90, wave)), []);
    let waves = |second: u64| {
        let (past, within) = (second / 20, second % 20);
        (100 * past + 10 * within.min(10), 100 * past + 10 * within.saturating_sub(10))
    };
    assert_eq!(found(&client(200, waves)), []);
}

#[test]
fn a_group_that_is_told_of_no_more_has_none_open() {
    let told = |second: u64| if second < 45 { vec![outgoing(UPSTREAM, 4 * second, 0)] } else { Vec::new() };
    assert_eq!(found(&process().connects(0..=44, told).ended()).len(), 1);
    assert_eq!(found(&process().connects(0..=60, told).ended()), []);
}

#[test]
fn many_groups_that_come_and_go_take_no_room() {
    let one_a_second =
        |second: u64| vec![outgoing(&format!("10.0.{}.{}:80", second / 250, second % 250), 3, 0)];
    let history = process().connects(0..=5000, one_a_second).ended();
    assert_eq!(judged("socket-leak.count == 0", &history).outcomes[0].note, None, "none is unfollowed");
    let report = Report::new(Vec::new(), judged("socket-leak.count == 0", &history), &[&history]);
    assert!(report.sockets.groups.len() as u64 + report.sockets.groups_left_out <= 1024);
}

#[test]
fn an_accept_queue_over_half_full_at_two_looks_is_a_backlog() {
    let finding = one(&queued(&[0, 90, 100, 70, 3]).ended());
    assert_eq!((finding.rule, finding.severity), (Rule::AcceptBacklog, Severity::Warning));
    assert_eq!(finding.to_string(), "127.0.0.1:8080 let up to 100 connections wait to be accepted");
    let detail = "up to 100 of 128 places, over half of it taken for 2s";
    assert_eq!((finding.detail.as_deref(), finding.count), (Some(detail), 100));
    assert_eq!((finding.max_ns, finding.ongoing), (2000 * MS, false));
}

#[test]
fn a_burst_that_is_accepted_at_once_is_none() {
    for waiting in [&[0, 100, 0, 100, 0][..], &[64, 64, 64, 64], &[]] {
        assert_eq!(found(&queued(waiting).ended()), [], "{waiting:?}");
    }
}

#[test]
fn a_full_queue_is_an_error_at_once() {
    let finding = one(&queued(&[0, 129]).ended());
    assert_eq!((finding.severity, finding.ongoing), (Severity::Error, true));
    let detail = "up to 129 of 128 places: it was full, and who came then was turned away";
    assert_eq!(finding.detail.as_deref(), Some(detail));
}

#[test]
fn thresholds_count_connections_and_name_the_worst() {
    let stale = |second: u64| vec![left_over(incoming("GET /ws", 7, 0), 7, second, 7 * (second / 11))];
    let history = process().connects(0..=12, stale).ended();
    let outcome = judged("socket-leak.count == 0", &history).outcomes.remove(0);
    assert_eq!((outcome.ok, &*outcome.measured), (Some(false), "7"));
    assert_eq!(outcome.worst.as_deref(), Some("GET /ws on 127.0.0.1:8080"));
    let note = "process 7 was seen for 12s, and connections that only grow in number are told of after 30s \
                (STALLSCOPE_LEAK_WINDOW)";
    assert_eq!(outcome.note.as_deref(), Some(note));
    let backlog = queued(&[90, 90]).ended();
    assert_eq!(judged("accept-backlog.count < 64", &backlog).verdict, Verdict::Breach);
}

#[test]
fn what_cannot_be_seen_is_no_pass() {
    let unlimited = |second: u64| {
        let listener = Socket { local: LISTENER.into(), state: "LISTEN".into(), ..Socket::default() };
        Line::Socket(Sockets { at_ns: second * 1000 * MS, sockets: vec![listener], ..Sockets::default() })
    };
    let history = (0..3).fold(process(), |process, second| process.line(unlimited(second))).ended();
    let outcome = judged("accept-backlog.count == 0", &history).outcomes.remove(0);
    assert_eq!(outcome.ok, None);
    assert!(outcome.note.expect("it says why").contains("netlink"));
}

#[test]
fn the_report_lists_groups_and_listeners() {
    let stale = |second: u64| {
        vec![incoming("GET /", 200, 100), left_over(incoming("GET /ws", 7, 0), 7, second, 7 * (second / 11))]
    };
    let history = queued(&[90, 4]).connects(3..=12, stale).ended();
    let report = Report::new(Vec::new(), judged("socket-leak.count == 0", &history), &[&history]);
    let [worst, other] = &report.sockets.groups[..] else { panic!("two groups") };
    assert_eq!(
        (worst.route.as_deref(), worst.overdue, worst.overdue_max_ns),
        (Some("GET /ws"), 7, 12_000 * MS)
    );
    assert_eq!((other.open, other.most, other.opened), (100, 100, 200));
    let listener = &report.sockets.listeners[0];
    assert_eq!((&*listener.address, listener.most, listener.limit), (LISTENER, 90, Some(128)));
}
