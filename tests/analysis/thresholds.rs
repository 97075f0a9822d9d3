//! The language of thresholds.

use proptest::prelude::*;
use stallscope::analysis::Threshold;
use stallscope::analysis::thresholds::{Labels, Metric, Stat, Value};

/// What is written, and what is meant by it: metric, statistic, limit, and labels as they are written in full.
#[test]
fn accepts() {
    let (ms, us) = (|n: u64| Value::Nanos(n * 1_000_000), |n: u64| Value::Nanos(n * 1000));
    let (count, p) = (Value::Count, |percent: u32| Stat::Quantile(percent * 1000));
    use Metric::*;
    let table: &[(&str, Metric, Stat, Value, &str)] = &[
        ("stall.max < 100ms", Stall, Stat::Max, ms(100), ""),
        ("stall<100ms", Stall, Stat::Max, ms(100), ""),
        ("stall < 100ms", Stall, Stat::Max, ms(100), ""),
        ("  stall.max  <=  1.5 s  ", Stall, Stat::Max, ms(1500), ""),
        ("\tstall.max\t<\t1s\n", Stall, Stat::Max, ms(1000), ""),
        ("stall . max < 1s", Stall, Stat::Max, ms(1000), ""),
        ("stall.max < 1m", Stall, Stat::Max, ms(60_000), ""),
        ("stall.max < 1h", Stall, Stat::Max, ms(3_600_000), ""),
        ("stall.max <= 0ms", Stall, Stat::Max, ms(0), ""),
        ("stall.max == 0ms", Stall, Stat::Max, ms(0), ""),
        ("stall.max < 0.5ms", Stall, Stat::Max, us(500), ""),
        ("stall.max < 1500us", Stall, Stat::Max, us(1500), ""),
        ("stall.max < 1500µs", Stall, Stat::Max, us(1500), ""),
        ("stall.max < 250ns", Stall, Stat::Max, Value::Nanos(250), ""),
        ("stall.count == 0", Stall, Stat::Count, count(0), ""),
        ("stall.count==0", Stall, Stat::Count, count(0), ""),
        ("stall.count < 18446744073709551615", Stall, Stat::Count, count(u64::MAX), ""),
        ("stall.count <= 007", Stall, Stat::Count, count(7), ""),
        ("stall.total<2s", Stall, Stat::Total, ms(2000), ""),
        ("stall.mean < 50ms", Stall, Stat::Mean, ms(50), ""),
        ("stall.p50 < 50ms", Stall, p(50), ms(50), ""),
        ("stall.p100 < 50ms", Stall, p(100), ms(50), ""),
        ("stall.max{route=\"GET /\"} < 50ms", Stall, Stat::Max, ms(50), "{route=\"GET /\"}"),
        ("stall{route=\"GET /\"} < 50ms", Stall, Stat::Max, ms(50), "{route=\"GET /\"}"),
        ("stall.count{crate=\"my_app\"} == 0", Stall, Stat::Count, count(0), "{crate=\"my_app\"}"),
        ("stall.count{crate=\"my-app\"} == 0", Stall, Stat::Count, count(0), "{crate=\"my_app\"}"),
        (
            "stall.p95 { crate = \"a\" , route = \"GET /\" } < 1s",
            Stall,
            p(95),
            ms(1000),
            "{route=\"GET /\", crate=\"a\"}",
        ),
        ("stall{route=\"a\",crate=\"b\"}<=1s", Stall, Stat::Max, ms(1000), "{route=\"a\", crate=\"b\"}"),
        ("poll.p99 < 1ms", Poll, p(99), ms(1), ""),
        ("poll.p99.9 < 1ms", Poll, Stat::Quantile(99_900), ms(1), ""),
        ("poll.p99.95<=250us", Poll, Stat::Quantile(99_950), us(250), ""),
        ("poll.p99.999 < 1ms", Poll, Stat::Quantile(99_999), ms(1), ""),
        ("poll.p0.001 < 1ms", Poll, Stat::Quantile(1), ms(1), ""),
        ("poll.p05 < 1ms", Poll, p(5), ms(1), ""),
        ("poll.max < 1s", Poll, Stat::Max, ms(1000), ""),
        ("poll < 1s", Poll, Stat::Max, ms(1000), ""),
        ("poll.count > 0", Poll, Stat::Count, count(0), ""),
        ("poll.total < 10s", Poll, Stat::Total, ms(10_000), ""),
        ("lag.p50 < 20ms", Lag, p(50), ms(20), ""),
        ("lag.p99 < 20 ms", Lag, p(99), ms(20), ""),
        ("lag.mean <= 20ms", Lag, Stat::Mean, ms(20), ""),
        ("lag.max <= 20ms", Lag, Stat::Max, ms(20), ""),
        ("lag.count >= 100", Lag, Stat::Count, count(100), ""),
        ("lag < 20ms", Lag, Stat::Max, ms(20), ""),
        ("schedule.p99 < 5µs", Schedule, p(99), us(5), ""),
        ("schedule.p99 < 5μs", Schedule, p(99), us(5), ""),
        ("schedule.max<5ms", Schedule, Stat::Max, ms(5), ""),
        ("schedule.total < 1s", Schedule, Stat::Total, ms(1000), ""),
        ("handler.p95 < 2ms", Handler, p(95), ms(2), ""),
        ("handler.count != 0", Handler, Stat::Count, count(0), ""),
        ("schedule.count > 0", Schedule, Stat::Count, count(0), ""),
        ("handler.count >= 10", Handler, Stat::Count, count(10), ""),
        ("handler.mean < 10ms", Handler, Stat::Mean, ms(10), ""),
        (
            "handler.p95{route=\"GET /users/{id}\"} < 200ms",
            Handler,
            p(95),
            ms(200),
            "{route=\"GET /users/{id}\"}",
        ),
        ("handler.p95 { route = \"GET /\" } < 200ms", Handler, p(95), ms(200), "{route=\"GET /\"}"),
        (r#"handler{route="a \"b\" \\ c"}<1s"#, Handler, Stat::Max, ms(1000), r#"{route="a \"b\" \\ c"}"#),
        (r#"handler{route="\x"}<1s"#, Handler, Stat::Max, ms(1000), "{route=\"x\"}"),
        ("handler.max{route=\"\"} < 1s", Handler, Stat::Max, ms(1000), "{route=\"\"}"),
        ("handler.max{route=\"GET /ü→\"} < 1s", Handler, Stat::Max, ms(1000), "{route=\"GET /ü→\"}"),
        ("never-awaited.count == 0", NeverAwaited, Stat::Count, count(0), ""),
        ("never-awaited == 0", NeverAwaited, Stat::Count, count(0), ""),
        ("never-polled == 0", NeverPolled, Stat::Count, count(0), ""),
        ("never-polled.count<1", NeverPolled, Stat::Count, count(1), ""),
        ("detached-panic.count == 0", DetachedPanic, Stat::Count, count(0), ""),
        ("lost-task.count == 0", LostTask, Stat::Count, count(0), ""),
        ("task-leak.count <= 3", TaskLeak, Stat::Count, count(3), ""),
        ("blocking-pool.count <= 1", BlockingPool, Stat::Count, count(1), ""),
        ("socket-leak.count < 1", SocketLeak, Stat::Count, count(1), ""),
        ("accept-backlog.count <= 10", AcceptBacklog, Stat::Count, count(10), ""),
    ];
    assert!(table.len() >= 60, "{}", table.len());
    for (expr, metric, stat, limit, labels) in table {
        let threshold: Threshold = expr.parse().unwrap_or_else(|error| panic!("{expr}: {error}"));
        let read = (threshold.metric(), threshold.stat(), threshold.limit());
        assert_eq!(read, (*metric, *stat, *limit), "{expr}");
        assert_eq!(threshold.labels().to_string(), *labels, "{expr}");
        assert_eq!(threshold.to_string(), expr.trim());
    }
}

#[test]
fn refuses_and_points_at_the_character() {
    let table = [
        ("", 1, "begins with a metric"),
        ("   ", 4, "begins with a metric"),
        ("< 5ms", 1, "begins with a metric"),
        ("stal.max < 100ms", 1, "did you mean \"stall\"?"),
        ("never_awaited.count == 0", 1, "did you mean \"never-awaited\"?"),
        ("memory.max < 100ms", 1, "metrics are stall, poll"),
        ("stall.mux < 100ms", 7, "did you mean \"max\"?"),
        ("stall.p(99) < 100ms", 7, "unknown statistic \"p\""),
        ("poll.p101 < 1ms", 6, "unknown statistic \"p101\""),
        ("poll.p0 < 1ms", 6, "unknown statistic"),
        ("poll.p99.9999 < 1ms", 6, "unknown statistic"),
        ("poll. < 1ms", 7, "expected a statistic"),
        ("never-awaited.max == 0", 15, "write never-awaited.count"),
        ("poll.max{route=\"x\"} < 1ms", 9, "poll takes no label"),
        ("handler.p95{path=\"x\"} < 1ms", 13, "unknown label \"path\""),
        ("handler.p95{} < 1ms", 13, "expected a label"),
        ("handler.p95{route} < 1ms", 18, "expected = and the route"),
        ("handler.p95{route=GET} < 1ms", 19, "in double quotes"),
        ("handler.p95{route=\"GET < 1ms", 19, "not closed"),
        ("handler.p95{route=\"GET\" < 1ms", 25, "expected a }"),
        ("stall.max", 10, "expected a comparison"),
        ("stall.max 100ms", 11, "expected a comparison"),
        ("stall.max = 100ms", 11, "write <="),
        ("stall.count = 0", 13, "write == or <="),
        ("stall.max <", 12, "expected a duration"),
        ("stall.max < abc", 13, "has no number"),
        ("stall.max < 100", 13, "has no unit"),
        ("stall.max < 100 parsecs", 13, "unknown unit \"parsecs\""),
        ("stall.max < -5ms", 13, "has no number"),
        ("stall.count == 5ms", 16, "is no count"),
        ("stall.count == 0.5", 16, "is no count"),
        ("stall.count ==", 15, "expected a whole number"),
        ("stall.max < 1ms, lag.max < 2ms", 16, "nothing may follow the value"),
        ("stall.max < 1ms 2ms", 17, "nothing may follow"),
        ("ställ.max < 1ms", 1, "did you mean \"stall\"?"),
        ("handler{route=\"ä\"} = 1ms", 20, "write <="),
        ("100ms > stall.max", 1, "the metric stands before its limit: write \"stall.max < 100ms\""),
        (" 1.5 s>=stall{route=\"a\"}", 2, "write \"stall{route=\"a\"} <= 1.5 s\""),
        ("50ms < stall.max", 1, "write \"stall.max <= 50ms\""),
        ("50ms == stall.max", 1, "write \"stall.max < 50ms\""),
        ("0 == stall.count", 1, "write \"stall.count == 0\""),
        ("50ms > stal.max", 1, "a threshold begins with a metric, as in"),
        ("50ms > 50ms", 1, "a threshold begins with a metric, as in"),
        ("50ms", 1, "a threshold begins with a metric, as in"),
        (".max < 1ms", 1, "begins with a metric"),
        ("\"stall\" < 1ms", 1, "begins with a metric"),
        ("{route=\"a\"} < 1ms", 1, "begins with a metric"),
        ("Stall.max < 1ms", 1, "did you mean \"stall\"?"),
        ("stalls < 1ms", 1, "did you mean \"stall\"?"),
        ("handlers.p95 < 1ms", 1, "did you mean \"handler\"?"),
        ("shedule.p99 < 1ms", 1, "did you mean \"schedule\"?"),
        ("task-leaks == 0", 1, "did you mean \"task-leak\"?"),
        ("socketleak == 0", 1, "did you mean \"socket-leak\"?"),
        ("blocking-poll == 0", 1, "did you mean \"blocking-pool\"?"),
        ("stall,max < 1ms", 6, "expected a comparison"),
        ("stall max < 1ms", 7, "expected a comparison"),
        ("stall.maximum < 1ms", 7, "statistics are max, count"),
        ("stall.MAX < 1ms", 7, "did you mean \"max\"?"),
        ("stall.p < 1ms", 7, "unknown statistic \"p\""),
        ("stall.99 < 1ms", 7, "unknown statistic \"99\""),
        ("stall.p-1 < 1ms", 7, "unknown statistic \"p-1\""),
        ("stall.p99. < 1ms", 7, "unknown statistic \"p99.\""),
        ("stall.p100.001 < 1ms", 7, "unknown statistic \"p100.001\""),
        ("stall.max.max < 1ms", 7, "unknown statistic \"max.max\""),
        ("lost-task.p99 == 0", 11, "write lost-task.count"),
        ("accept-backlog.mean == 0", 16, "write accept-backlog.count"),
        ("lag.p99{route=\"x\"} < 1ms", 8, "it is not known apart by route or crate"),
        ("schedule.p99{crate=\"x\"} < 1ms", 13, "schedule takes no label"),
        ("never-polled.count{crate=\"x\"} == 0", 19, "never-polled takes no label"),
        ("handler.p95{crate=\"x\"} < 1ms", 13, "handler has route"),
        ("handler.p95{rout=\"x\"} < 1ms", 13, "did you mean \"route\"?"),
        ("stall.max{Crate=\"x\"} < 1ms", 11, "did you mean \"crate\"?"),
        ("stall.max{line=\"x\"} < 1ms", 11, "stall has route and crate"),
        ("stall.max{route=\"x\", route=\"y\"} < 1ms", 22, "the label route is given twice"),
        ("stall.max{crate=\"x\" route=\"y\"} < 1ms", 21, "expected a }"),
        ("stall.max{crate=\"x\",} < 1ms", 21, "expected a label"),
        ("stall.max{crate=x} < 1ms", 17, "the crate's name in double quotes"),
        ("stall.max{crate} < 1ms", 16, "expected = and the crate's name"),
        ("stall.max{route='x'} < 1ms", 17, "the route in double quotes"),
        ("stall.max{route==\"x\"} < 1ms", 17, "the route in double quotes"),
        ("stall.max{route=\"x\\\"} < 1ms", 17, "not closed"),
        ("stall.max{", 11, "expected a label"),
        ("stall.max}", 10, "expected a comparison"),
        ("stall.max => 1ms", 11, "write <="),
        ("stall.max =< 1ms", 11, "write <="),
        ("stall.max === 1ms", 13, "expected a duration"),
        ("stall.max <> 1ms", 12, "expected a duration"),
        ("stall.max ! 1ms", 11, "expected a comparison"),
        ("stall.max > 50ms", 11, "write \"stall.max <= 50ms\""),
        (" stall{route=\"a > b\"} >=50 ms ", 23, "write \"stall{route=\"a > b\"} <50 ms\""),
        ("stall.max == 50ms", 11, "so this never holds: write \"stall.max < 50ms\""),
        (" lag.mean==20 ms ", 10, "write \"lag.mean<20 ms\""),
        ("handler.p95 != 2ms", 13, "of this less is better: write \"handler.p95 < 2ms\""),
        ("stall.total != 0s", 13, "write \"stall.total <= 0s\""),
        ("stall.count>0", 12, "write \"stall.count<=0\""),
        ("stall.max >= 0ms", 11, "of this less is better: write \"stall.max <= 0ms\""),
        ("stall.max < 0ms", 11, "of this less is better: write \"stall.max <= 0ms\""),
        ("never-awaited.count != 0", 21, "write \"never-awaited.count == 0\""),
        ("stall.max << 1ms", 12, "expected a duration"),
        ("stall.max ≤ 1ms", 11, "expected a comparison"),
        ("stall.max < 1,5ms", 13, "has no unit"),
        ("stall.max < ms", 13, "has no number"),
        ("stall.max < 1..5ms", 13, ""),
        ("stall.max < 1e3ms", 13, "unknown unit"),
        ("stall.max < \"1ms\"", 13, "expected a duration"),
        ("stall.max < 99999999999999999999h", 13, ""),
        ("stall.count == -1", 16, "is no count"),
        ("stall.count == none", 16, "is no count"),
        ("stall.count == 18446744073709551616", 16, "is no count"),
        ("stall.count == 0 stalls", 16, "is no count"),
        ("stall.max < 1ms # fast", 17, "nothing may follow the value"),
        ("stall.max < 1ms;", 16, "nothing may follow"),
        ("stall.max < 1ms && lag.max < 1ms", 17, "nothing may follow"),
    ];
    assert!(table.len() >= 60, "{}", table.len());
    for (expr, column, said) in table {
        let error = expr.parse::<Threshold>().expect_err(expr);
        assert!(error.message().contains(said), "{expr}: {error}");
        assert_eq!(error.column(), column, "{error}");
    }
}

#[test]
fn the_mark_stands_under_the_character() {
    let error = "stall.max = 100ms".parse::<Threshold>().unwrap_err().to_string();
    assert_eq!(
        error,
        "a single = compares nothing: write <= (column 11)\n  stall.max = 100ms\n            ^"
    );
    let error = "poll\t.mux < 1ms".parse::<Threshold>().unwrap_err().to_string();
    assert!(error.ends_with("\n  poll .mux < 1ms\n        ^^^"), "{error}");
}

#[test]
fn compares() {
    for (op, holds) in [
        ("<", [true, false, false]),
        ("<=", [true, true, false]),
        ("==", [false, true, false]),
        (">=", [false, true, true]),
        (">", [false, false, true]),
        ("!=", [true, false, true]),
    ] {
        let threshold: Threshold = format!("poll.count {op} 5").parse().expect("it parses");
        assert_eq!([4, 5, 6].map(|value| threshold.holds(value)), holds, "{op}");
    }
}

/// What can be written, with spaces in all places where they may be.
fn written() -> impl Strategy<Value = String> {
    let timed = prop::sample::select(vec!["stall", "poll", "lag", "schedule", "handler"]);
    let stat = prop_oneof![
        Just(String::new()),
        prop::sample::select(vec![".max", ".total", ".mean"]).prop_map(str::to_owned),
        (1..=100_000u32).prop_map(|thousandths| format!(
            ".p{}.{:03}",
            thousandths / 1000,
            thousandths % 1000
        )),
    ];
    let value = "\\PC{0,12}".prop_map(|text| text.replace('\\', r"\\").replace('"', "\\\""));
    let labels = prop::collection::btree_map(prop::sample::select(vec!["route", "crate"]), value, 0..3);
    let op = prop::sample::select(vec!["<", "<="]);
    let limit = (1..1_000_000u64, prop::sample::select(vec!["ns", "us", "µs", "ms", "s"]));
    (timed, stat, labels, op, limit, "[ \t]{0,2}").prop_map(
        |(metric, stat, labels, op, (number, unit), space)| {
            let known = match metric {
                "stall" => 2,
                "handler" => 1,
                _ => 0,
            };
            // The map's order is crate, route: handler knows the last alone.
            let labels: Vec<_> =
                labels.iter().filter(|(name, _)| known == 2 || (known == 1 && **name == "route")).collect();
            let labels: Vec<_> =
                labels.iter().map(|(name, value)| format!("{name}{space}=\"{value}\"")).collect();
            let labels = if labels.is_empty() {
                String::new()
            } else {
                format!("{{{}}}", labels.join(&format!("{space},")))
            };
            format!("{space}{metric}{stat}{space}{labels}{space}{op}{space}{number}{space}{unit}{space}")
        },
    )
}

proptest! {
    #[test]
    fn what_is_shown_is_read_as_the_same(text in written()) {
        let threshold: Threshold = text.parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        let again: Threshold = threshold.to_string().parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        prop_assert_eq!(&again, &threshold);
        // So it is when its statistic and labels are shown apart.
        let labels = threshold.labels().to_string();
        let (metric, stat, ns) = (threshold.metric().name(), threshold.stat(), threshold.limit().number());
        let apart = format!("{metric}.{stat}{labels} < {ns}ns");
        let apart: Threshold = apart.parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        prop_assert_eq!((apart.metric(), apart.stat(), apart.labels()), (threshold.metric(), threshold.stat(), threshold.labels()));
    }

    #[test]
    fn an_override_reads_as_it_is_shown(route in "\\PC{0,12}", stat in "(|\\.max|\\.count|\\.p95)", space in " {0,2}") {
        let labels = Labels::of_route(&route);
        let limit = if stat == ".count" { "5" } else { "5ms" };
        let written = format!("{space}stall{stat}{space}<{space}{limit}");
        let general: Threshold = written.parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        let overriding = general.overriding(labels.clone()).expect("stall has routes");
        let read: Threshold = overriding.to_string().parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        prop_assert_eq!((read.labels(), read.stat(), read.limit()), (&labels, overriding.stat(), overriding.limit()));
        prop_assert!(overriding.is_about_the_same_as(&read));
        prop_assert!(overriding.overriding(labels).is_none());
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        if let Err(error) = text.parse::<Threshold>() {
            prop_assert!(error.column() <= text.chars().count() + 1, "{}", error);
        }
    }

    #[test]
    fn nothing_near_the_language_makes_it_panic(
        text in "(stall|handler|poll|lag|é)?(\\.(max|p99\\.?[0-9]{0,4}|count|p)?)?(\\{((route|crate)?=?\"?[a\\\\\"é]{0,3}\"?,?){0,2}\\}?)?[ \t]?(<|<=|==|=|!=|!)?[ \t]?[0-9.]{0,25} ?(ms|us|é)?.{0,3}"
    ) {
        if let Err(error) = text.parse::<Threshold>() {
            prop_assert!(error.to_string().lines().count() >= 3);
        }
    }
}
