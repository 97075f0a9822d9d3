//! The report as a document.

use crate::scenario::{MS, process, task, times, victims};
use hdrhistogram::serialization::Deserializer;
use proptest::prelude::*;
use stallscope::analysis::{Blocked, History, Report, Terms, judge};
use stallscope_wire::{
    Cause, End, Flight, Handler, Handlers, Header, Histogram, Lag, LagState, Line, Location, Lost, Pause,
    Phase, Serving, SlowRequest, Snapshot, Stall, Watched, Worker,
};

fn report() -> Report {
    let stall = Stall {
        syscall: Some("clock_nanosleep".into()),
        task: task("src/main.rs:20:5"),
        victims: victims(14, 4100),
        ..crate::scenario::stall("src/report.rs:42", 312, Cause::Syscall)
    };
    let history = process().stall(stall).requests(&[("GET /report", 313)]).ended();
    let judgement = judge(&Terms::default(), &[&history]);
    Report::new(vec!["app".into()], judgement, &[&history])
}

#[test]
fn has_the_promised_form() {
    let json = serde_json::to_value(report()).expect("plain data");
    let has = |pointer: &str, value: serde_json::Value| {
        assert_eq!(json.pointer(pointer), Some(&value), "{pointer}");
    };
    has("/stallscope", 1.into());
    has("/verdict", "breach".into());
    has("/tier", "exact".into());
    has("/mode", "full".into());
    has("/coverage/complete", true.into());
    has("/command/0", "app".into());
    has("/processes/0/pid", 7.into());
    has("/processes/0/started", "1970-01-01T00:00:00.000Z".into());
    has("/processes/0/complete", true.into());
    has("/thresholds/0/expr", "stall.max < 100ms".into());
    has("/thresholds/0/measured", "312ms".into());
    has("/thresholds/0/measured_ns", (312 * MS).into());
    has("/thresholds/0/ok", false.into());
    has("/thresholds/0/worst", "src/report.rs:42".into());
    has("/lost/events", 0.into());
}

#[test]
fn tells_all_of_a_finding() {
    let json = serde_json::to_value(report()).expect("plain data");
    let finding = &json["findings"][0];
    for (pointer, value) in [
        ("/rule", "\"blocking-poll\""),
        ("/severity", "\"error\""),
        ("/cause", "\"syscall\""),
        ("/syscall", "\"clock_nanosleep\""),
        ("/culprit", r#"{"file":"src/report.rs","function":"app::work","line":42}"#),
        ("/attributable_max_ns", "312000000"),
        ("/ongoing", "false"),
        ("/victims", r#"{"delay_ns":4100000000,"sockets":3,"tasks":14}"#),
        ("/task", r#"{"id":3,"name":null,"spawned_at":"src/main.rs:20:5"}"#),
        ("/route", "null"),
        ("/request_id", "null"),
        ("/stack/1/user", "true"),
        ("/stack/1/crate", "null"),
        ("/stack_quality", "\"exact\""),
        ("/first_seen", "\"1970-01-01T00:00:00.000Z\""),
        ("/allowed_by", "null"),
    ] {
        assert_eq!(finding.pointer(pointer).map(ToString::to_string).as_deref(), Some(value), "{pointer}");
    }
}

#[test]
fn histograms_are_read_by_any_hdr_reader() {
    let report = report();
    let latency = decode(&report.histograms.handlers["GET /report"]);
    assert_eq!(latency.len(), 10);
    assert!(latency.equivalent(latency.max(), 313 * MS));
    assert_eq!(decode(report.histograms.poll.as_ref().expect("polls")).len(), 1001);
    assert_eq!(report.histograms.schedule, None);
}

fn decode(text: &str) -> hdrhistogram::Histogram<u64> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    Deserializer::new().deserialize(&mut &bytes[..]).expect("an HdrHistogram")
}

#[test]
fn reads_back_what_it_wrote() {
    let report = report();
    let text = serde_json::to_string(&report).expect("plain data");
    assert_eq!(serde_json::from_str::<Report>(&text).expect("the same form"), report);
}

#[test]
fn is_honest_of_nothing() {
    let report = Report::new(vec!["true".into()], judge(&Terms::default(), &[]), &[]);
    assert!(!report.coverage.complete);
    assert_eq!(report.histograms.poll, None);
    assert_eq!(report.thresholds[0].ok, None);
}

#[test]
fn counts_that_no_process_has_are_left_out() {
    let mut history = process().killed();
    let poll = Histogram { buckets: vec![(1000, u64::MAX)], max_ns: 1000, sum_ns: 1000 };
    history.apply(Line::Snapshot(Snapshot { poll, ..Snapshot::default() }));
    let report = Report::new(Vec::new(), judge(&Terms::default(), &[&history]), &[&history]);
    assert_eq!(report.histograms.poll, None);
}

/// Numbers that no process has, but a broken log may.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), 0..1_000_000_000u64, Just(u64::MAX - 1), Just(u64::MAX)]
}

fn line() -> impl Strategy<Value = Line> {
    (0..7u8, number(), number(), number(), number(), any::<bool>()).prop_map(|(kind, a, b, c, d, flag)| {
        let histogram = Histogram { buckets: vec![(a, b), (c, d)], max_ns: d, sum_ns: c };
        let phase = if flag { Phase::Progress } else { Phase::End };
        match kind {
            0 => Line::Stall(Stall {
                id: a % 3,
                phase,
                started_ns: b,
                duration_ns: c,
                attributable_ns: d,
                ..Stall::default()
            }),
            1 => Line::Lag(Lag { at_ns: a, wait_ns: b, attributable_ns: c, ongoing: flag, ..Lag::default() }),
            2 => Line::Pause(Pause { at_ns: a, gap_ns: b }),
            3 => Line::Lost(Lost {
                at_ns: a,
                events: b,
                stacks: c,
                locations: d,
                first_polls: b,
                lines: a,
                recordings: c,
            }),
            4 => {
                let route = String::new();
                Line::Handler(Handlers {
                    at_ns: a,
                    handlers: vec![Handler { route, latency: histogram, ..Handler::default() }],
                    ..Handlers::default()
                })
            }
            _ => {
                let lag = LagState { now_ns: Some(a), histogram: histogram.clone(), ..LagState::default() };
                let workers = vec![Worker { stall: Some(a % 3), polls: b, ..Worker::default() }; 2];
                Line::Snapshot(Snapshot { at_ns: d, workers, poll: histogram, lag, ..Snapshot::default() })
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_numbers_make_it_panic(started in number(), threshold in number(), lines in prop::collection::vec(line(), 0..12)) {
        let header = Header {
            started_unix_ns: started, threshold_ns: threshold, probe_interval_ns: threshold, ..Header::default()
        };
        let mut history = History::new(header);
        lines.into_iter().for_each(|line| history.apply(line));
        let exprs = ["stall.max < 1ms", "stall.p50 < 1s", "stall.mean < 1s", "stall.total < 1s", "stall.count == 0",
            "poll.p99 < 1ms", "lag.max < 1ms", "lag.mean < 1s", "handler.total < 1s", "handler.count < 1"];
        let thresholds: Vec<_> = exprs.iter().map(|expr| expr.parse().expect("it parses")).collect();
        let both = [&history, &history];
        let report = Report::new(Vec::new(), judge(&Terms::new(thresholds.clone()).allow_incomplete(true), &both), &both);
        prop_assert_eq!(report.thresholds.len(), exprs.len());
    }
}

#[test]
fn lists_the_spawn_locations_with_most_alive_and_counts_the_others() {
    let location = |line: u64, spawned| Location {
        spawned_at: format!("src/main.rs:{line}:5"),
        spawned,
        finished: 1,
        polls: 4,
        total_ns: line,
        ..Location::default()
    };
    let locations = (1..=130).map(|line| location(line, if line == 7 { 90 } else { 2 })).collect();
    let mut history = History::new(Header::default());
    history.apply(Line::Snapshot(Snapshot { locations, ..Snapshot::default() }));
    let report = of_each(&[&history, &history]);
    assert_eq!((report.tasks.locations.len(), report.tasks.locations_left_out), (100, 30));
    let first: Vec<_> = report
        .tasks
        .locations
        .iter()
        .take(2)
        .map(|site| (site.spawned_at.as_str(), site.alive, site.polls))
        .collect();
    assert_eq!(first, [("src/main.rs:7:5", 178, 8), ("src/main.rs:130:5", 2, 8)]);
}

#[test]
fn sums_up_what_became_of_watched_futures() {
    let line = |created_at: &str, unpolled| Watched {
        created_at: created_at.into(),
        unpolled,
        polled: 3,
        ..Watched::default()
    };
    let watched = vec![line("src/a.rs:1:1", 0), line("src/b.rs:2:2", 4)];
    let mut history = History::new(Header::default());
    history.apply(Line::Snapshot(Snapshot { watched, ..Snapshot::default() }));
    let told: Vec<_> = of_each(&[&history])
        .tasks
        .watched
        .iter()
        .map(|line| (line.created_at.clone(), line.unpolled, line.polled))
        .collect();
    assert_eq!(told, [("src/b.rs:2:2".to_owned(), 4, 3), ("src/a.rs:1:1".to_owned(), 0, 3)]);
}

fn of_each(histories: &[&History]) -> Report {
    Report::new(Vec::new(), judge(&Terms::new(Vec::new()), histories), histories)
}

#[test]
fn distributions_have_their_figures_beside_them() {
    let json = serde_json::to_value(report()).expect("plain data");
    let figures = &json["histograms"]["figures"]["handlers"]["GET /report"];
    assert_eq!(figures["count"], 10);
    for name in ["p50_ns", "p90_ns", "p99_ns", "max_ns"] {
        assert_eq!(figures[name], 313 * MS, "{name}");
    }
    assert_eq!(json["histograms"]["figures"]["schedule"], serde_json::Value::Null);
}

#[test]
fn requests_of_all_processes_are_told_by_route_the_slowest_first() {
    let slow = |took: u64| SlowRequest {
        request: Serving { route: "GET /".into(), id: Some(took.to_string()) },
        took_ns: took * MS,
        ..SlowRequest::default()
    };
    let of = |took: u64| {
        let handler = |route: &str, ms| Handler {
            route: route.into(),
            statuses: [0, 10, 0, 0, 2],
            latency: times(12, ms * MS),
            ..Handler::default()
        };
        let handlers = vec![handler("GET /", took), handler("GET /quick", 1)];
        process().line(Line::Handler(Handlers { at_ns: 1, handlers, slowest: vec![slow(took)] })).ended()
    };
    let (one, other) = (of(30), of(70));
    let report = of_each(&[&one, &other]);
    let routes: Vec<_> = report.requests.routes.iter().map(|r| (&*r.route, r.requests())).collect();
    assert_eq!(routes, [("GET /", 24), ("GET /quick", 24)]);
    let slowest: Vec<_> = report.requests.slowest.iter().map(|slow| slow.request_id.as_deref()).collect();
    assert_eq!(slowest, [Some("70"), Some("30")]);
}

#[test]
fn what_was_dropped_is_not_everything() {
    let whole = process().ended();
    assert!(of_each(&[&whole]).is_whole());
    let lost = Line::Lost(Lost { lines: 1, ..Lost::default() });
    assert!(!of_each(&[&process().line(lost).ended()]).is_whole());
    assert!(!of_each(&[&process().killed()]).is_whole());
    let recordings = Line::Lost(Lost { recordings: 1, ..Lost::default() });
    assert!(of_each(&[&process().line(recordings).ended()]).is_whole(), "no number leaves anything out");
}

#[test]
fn a_flight_recording_is_said_to_be_one() {
    let flight = Flight {
        trigger: "a stall of 3s".into(),
        suppressed: 4,
        dropped: 5,
        goes_on: true,
        ..Flight::default()
    };
    let mut history = History::new(Header { pid: 7, flight: Some(flight), ..Header::default() });
    assert_eq!(history.lost().lines, 5, "also where the process lost nothing");
    history.apply(Line::Lost(Lost { lines: 2, ..Lost::default() }));
    history.apply(Line::End(End::default()));
    let report = of_each(&[&history]);
    assert!(!report.processes[0].complete && !report.is_whole());
    assert_eq!(report.lost.lines, 7);
    let told = "process 7: a flight recording of the seconds around a stall of 3s;";
    assert!(report.notes.iter().any(|note| note.starts_with(told) && note.contains("4 incidents")));
}

#[test]
fn of_very_many_stalls_each_nanosecond_is_kept_by_stack() {
    let (mut history, mut sum) = (History::new(Header::default()), 0);
    for id in 0..10_000 {
        let place = format!("src/a.rs:{}", id % 3 + 1);
        let mut stall = Stall { id, ..crate::scenario::stall(&place, 100 + id % 7, Cause::Cpu) };
        stall.attributable_ns -= id;
        sum += stall.attributable_ns;
        history.apply(Line::Stall(stall));
    }
    assert!(history.stalls().count() < 10_000, "some are no longer kept one by one");
    let blocked = Blocked::of(&[&history]);
    assert_eq!(blocked.total_ns(), sum);
    assert_eq!(blocked.stacks.iter().map(|stack| stack.count).sum::<u64>(), 10_000);
    assert_eq!(blocked.stacks.len(), 3);
}
