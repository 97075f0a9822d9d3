//! The language of thresholds.

use proptest::prelude::*;
use stallscope::analysis::Threshold;
use stallscope::analysis::thresholds::{Metric, Stat, Value};

#[test]
fn accepts() {
    for (expr, metric, stat, limit) in [
        ("stall.max < 100ms", Metric::Stall, Stat::Max, Value::Nanos(100_000_000)),
        ("stall<100ms", Metric::Stall, Stat::Max, Value::Nanos(100_000_000)),
        ("  stall.max  <=  1.5 s  ", Metric::Stall, Stat::Max, Value::Nanos(1_500_000_000)),
        ("stall.count == 0", Metric::Stall, Stat::Count, Value::Count(0)),
        ("stall.total<2s", Metric::Stall, Stat::Total, Value::Nanos(2_000_000_000)),
        ("poll.p99 < 1ms", Metric::Poll, Stat::Quantile(99_000), Value::Nanos(1_000_000)),
        ("poll.p99.9 < 1ms", Metric::Poll, Stat::Quantile(99_900), Value::Nanos(1_000_000)),
        ("poll.p99.95<=250us", Metric::Poll, Stat::Quantile(99_950), Value::Nanos(250_000)),
        ("lag.p50 < 20ms", Metric::Lag, Stat::Quantile(50_000), Value::Nanos(20_000_000)),
        ("lag.mean != 20ms", Metric::Lag, Stat::Mean, Value::Nanos(20_000_000)),
        ("schedule.p99 < 5µs", Metric::Schedule, Stat::Quantile(99_000), Value::Nanos(5_000)),
        ("handler.p95 > 2ms", Metric::Handler, Stat::Quantile(95_000), Value::Nanos(2_000_000)),
        ("handler.count >= 10", Metric::Handler, Stat::Count, Value::Count(10)),
        ("never-awaited.count == 0", Metric::NeverAwaited, Stat::Count, Value::Count(0)),
        ("never-polled == 0", Metric::NeverPolled, Stat::Count, Value::Count(0)),
        ("detached-panic.count == 0", Metric::DetachedPanic, Stat::Count, Value::Count(0)),
        ("task-leak.count <= 3", Metric::TaskLeak, Stat::Count, Value::Count(3)),
        ("socket-leak.count < 1", Metric::SocketLeak, Stat::Count, Value::Count(1)),
    ] {
        let threshold: Threshold = expr.parse().unwrap_or_else(|error| panic!("{expr}: {error}"));
        assert_eq!(
            (threshold.metric(), threshold.stat(), threshold.limit()),
            (metric, stat, limit),
            "{expr}"
        );
        assert_eq!(threshold.to_string(), expr.trim());
    }
}

#[test]
fn accepts_routes() {
    for (expr, route) in [
        (r#"handler.p95{route="GET /users/{id}"} < 200ms"#, "GET /users/{id}"),
        (r#"handler.p95 { route = "GET /" } < 200ms"#, "GET /"),
        (r#"handler{route="a \"b\" \\ c"}<1s"#, r#"a "b" \ c"#),
        (r#"handler.max{route=""} < 1s"#, ""),
    ] {
        let threshold: Threshold = expr.parse().unwrap_or_else(|error| panic!("{expr}: {error}"));
        assert_eq!(threshold.route(), Some(route), "{expr}");
    }
}

#[test]
fn refuses_and_points_at_the_character() {
    for (expr, column, said) in [
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
        ("stall.max = 100ms", 11, "write =="),
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
        ("handler{route=\"ä\"} = 1ms", 20, "write =="),
    ] {
        let error = expr.parse::<Threshold>().expect_err(expr);
        assert!(error.to_string().contains(said), "{expr}: {error}");
        assert_eq!(error.column(), column, "{error}");
    }
}

#[test]
fn the_mark_stands_under_the_character() {
    let error = "stall.max = 100ms".parse::<Threshold>().unwrap_err().to_string();
    assert_eq!(
        error,
        "a single = compares nothing: write == (column 11)\n  stall.max = 100ms\n            ^"
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
        let threshold: Threshold = format!("stall.count {op} 5").parse().expect("it parses");
        assert_eq!([4, 5, 6].map(|value| threshold.holds(value)), holds, "{op}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        if let Err(error) = text.parse::<Threshold>() {
            prop_assert!(error.column() <= text.chars().count() + 1, "{}", error);
        }
    }

    #[test]
    fn nothing_near_the_language_makes_it_panic(
        text in "(stall|handler|poll|lag|é)?(\\.(max|p99\\.?[0-9]{0,4}|count|p)?)?(\\{(route)?=?\"?[a\\\\\"é]{0,3}\"?\\}?)?[ \t]?(<|<=|==|=|!=|!)?[ \t]?[0-9.]{0,25} ?(ms|us|é)?.{0,3}"
    ) {
        if let Err(error) = text.parse::<Threshold>() {
            prop_assert!(error.to_string().lines().count() >= 3);
        }
    }
}
