use crate::harness::{Ended, Server, run};
use serde_json::Value;

fn json(load: &Ended) -> Value {
    serde_json::from_str(&load.stdout).unwrap_or_else(|error| panic!("{error}: {load:?}"))
}

#[test]
fn counts_every_request_that_came_due() {
    let server = Server::start();
    let (root, missing) = (format!("3*{}", server.url("/")), server.url("/missing"));
    let load = run(&["load", "--rate", "100", "--duration", "1s", "--format", "json", &root, &missing]);
    assert_eq!(load.code, Some(0), "{load:?}");
    let report = json(&load);
    assert_eq!((report["due"].as_u64(), report["answered"].as_u64()), (Some(100), Some(100)), "{report:#}");
    assert_eq!((report["failed"].as_u64(), report["dropped"].as_u64()), (Some(0), Some(0)), "{report:#}");
    assert_eq!(
        (report["statuses"]["2xx"].as_u64(), report["statuses"]["4xx"].as_u64()),
        (Some(75), Some(25))
    );
    assert_eq!(report["latency"]["corrected"]["count"], 100);
}

#[test]
fn a_wait_for_a_free_connection_shows_in_the_corrected_latency_alone() {
    let server = Server::start();
    let slow = server.url("/fixed/sleep?ms=100");
    // Twice as many come due as one connection can carry.
    let load =
        run(&["load", "--rate", "20", "--duration", "1s", "--connections", "1", "--format", "json", &slow]);
    let report = json(&load);
    let median = |kind: &str| report["latency"][kind]["p50_ns"].as_u64().unwrap();
    assert_eq!(report["answered"], 20, "{report:#}");
    assert!(median("corrected") > median("uncorrected") + 100_000_000, "{report:#}");
    assert!(report["late"].as_u64().unwrap() >= 10, "{report:#}");
}

#[test]
fn says_it_for_people() {
    let server = Server::start();
    let load = run(&["load", "--rate", "50", "--duration", "200ms", &server.url("/")]);
    assert_eq!(load.code, Some(0), "{load:?}");
    for part in ["10 requests due", "answered 10", "2xx 10", "corrected", "uncorrected", "p99.9"] {
        assert!(load.stdout.contains(part), "no {part:?} in\n{}", load.stdout);
    }
}

#[test]
fn a_server_that_is_not_there_is_said_so() {
    let server = Server::start();
    let (url, addr) = (server.url("/"), server.addr.to_string());
    drop(server);
    let load = run(&["load", &url]);
    assert_eq!(load.code, Some(2), "{load:?}");
    assert!(load.stderr.contains(&format!("{addr} refuses connections")), "{load:?}");
}

#[test]
fn other_machines_are_refused_unless_allowed() {
    let load = run(&["load", "http://192.0.2.1:8080/"]);
    assert_eq!(load.code, Some(2));
    assert!(load.stderr.contains("192.0.2.1") && load.stderr.contains("--allow-remote"), "{load:?}");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for args in [
        &["load"][..],
        &["load", "localhost:8080"],
        &["load", "https://localhost/"],
        &["load", "--rate", "0", "http://localhost/"],
        &["load", "--rate", "NaN", "http://localhost/"],
        &["load", "--duration", "10", "http://localhost/"],
        &["load", "--duration", "2h", "http://localhost/"],
        &["load", "--connections", "0", "http://localhost/"],
    ] {
        let load = run(args);
        assert_eq!(load.code, Some(2), "{args:?}: {load:?}");
        assert!(load.stderr.starts_with("error: "), "{args:?}: {load:?}");
    }
}
