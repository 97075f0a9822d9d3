use crate::harness::{Ended, Server, alone, run, stallscope};
use crate::peer::Peer;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::Read;
use std::process::{Child, Stdio};

fn json(load: &Ended) -> Value {
    serde_json::from_str(&load.stdout).unwrap_or_else(|error| panic!("{error}: {load:?}"))
}

/// What a load measured.
fn load(args: &[&str]) -> Value {
    let load = run(&[&["load", "--format", "json"], args].concat());
    assert_eq!(load.code, Some(0), "{load:?}");
    json(&load)
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

/// Every request that came due is accounted for.
fn balanced(report: &Value) -> bool {
    let parts = ["answered", "failed", "dropped", "unfinished"];
    count(&report["due"]) == parts.iter().map(|part| count(&report[part])).sum::<u64>()
}

#[test]
fn counts_every_request_that_came_due() {
    let server = Server::start();
    let (root, missing) = (format!("3*{}", server.url("/")), server.url("/missing"));
    let report = load(&["--rate", "100", "--duration", "1s", &root, &missing]);
    assert_eq!((report["due"].as_u64(), report["answered"].as_u64()), (Some(100), Some(100)), "{report:#}");
    assert_eq!((report["failed"].as_u64(), report["dropped"].as_u64()), (Some(0), Some(0)), "{report:#}");
    assert_eq!(
        (report["statuses"]["2xx"].as_u64(), report["statuses"]["4xx"].as_u64()),
        (Some(75), Some(25))
    );
    assert_eq!(report["latency"]["corrected"]["count"], 100);
    assert!(count(&report["took_ns"]) >= 1_000_000_000, "{report:#}");
}

#[test]
fn a_wait_for_a_free_connection_shows_in_the_corrected_latency_alone() {
    let server = Server::start();
    let slow = server.url("/fixed/sleep?ms=100");
    // Twice as many come due as one connection can carry.
    let report = load(&["--rate", "20", "--duration", "1s", "--connections", "1", &slow]);
    let median = |kind: &str| report["latency"][kind]["p50_ns"].as_u64().unwrap();
    assert_eq!(report["answered"], 20, "{report:#}");
    assert!(median("corrected") > median("uncorrected") + 100_000_000, "{report:#}");
    assert!(report["late"].as_u64().unwrap() >= 10, "{report:#}");
}

#[test]
fn a_server_that_never_answers_gets_no_more_requests_than_there_are_connections() {
    let peer = Peer::silent();
    let url = peer.url("http", "/");
    let args = ["load", "--rate", "500", "--connections", "4", "--format", "json", &url];
    let mut load = Running::start(&args);
    peer.wait_for_requests(4);
    load.interrupt();
    let ended = load.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = json(&ended);
    assert_eq!((count(&report["answered"]), count(&report["unfinished"])), (0, 4), "{report:#}");
    assert!(balanced(&report), "{report:#}");
    assert_eq!(peer.requests().len(), 4);
}

#[test]
fn what_finds_no_room_to_wait_is_dropped() {
    let _alone = alone();
    let peer = Peer::silent();
    let url = peer.url("http", "/");
    let args = ["load", "--rate", "100000", "--connections", "1", "--format", "json", "--quiet", &url];
    let mut load = Running::start(&args);
    peer.wait_for_requests(1);
    // Ten times as many come due meanwhile as may wait.
    std::thread::sleep(std::time::Duration::from_secs(1));
    load.interrupt();
    let report = json(&load.end());
    assert!(count(&report["dropped"]) > 0 && balanced(&report), "{report:#}");
}

#[test]
fn an_interrupted_load_tells_what_it_measured() {
    let server = Server::start();
    let peer = Peer::silent();
    let (root, silent) = (server.url("/"), peer.url("http", "/"));
    let args = ["load", "--rate", "100", "--duration", "1h", "--connections", "40", &root, &silent];
    let mut load = Running::start(&args);
    // As many go to the one as to the other.
    peer.wait_for_requests(10);
    load.interrupt();
    let ended = load.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("2xx"), "{ended:?}");
}

#[test]
fn sends_methods_headers_and_bodies() {
    let peer = Peer::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let (post, get) = (format!("POST {}", peer.url("http", "/a?b=c")), peer.url("http", "/"));
    let header = ["--header", "X-Token: abc", "--header", "Host: example.test"];
    let args =
        ["--rate", "10", "--duration", "200ms", "--connections", "1", "--body", "{\"a\":1}", &post, &get];
    let report = load(&[&args[..], &header].concat());
    assert_eq!(report["statuses"]["2xx"], 2, "{report:#}");
    let requests = peer.requests();
    let of =
        |line: &str| requests.iter().find(|request| request.starts_with(line)).expect(line).to_lowercase();
    let (post, get) = (of("POST /a?b=c HTTP/1.1\r\n"), of("GET / HTTP/1.1\r\n"));
    assert!(post.contains("content-length: 7\r\n") && post.ends_with("\r\n\r\n{\"a\":1}"), "{post}");
    for request in [&post, &get] {
        assert!(
            request.contains("x-token: abc\r\n") && request.contains("host: example.test\r\n"),
            "{request}"
        );
    }
    assert!(get.ends_with("\r\n\r\n"), "{get}");
}

#[test]
fn messages_come_back_over_websockets() {
    let peer = Peer::echoing();
    let chat = peer.url("ws", "/chat");
    let report = load(&["--rate", "50", "--duration", "400ms", "--connections", "5", &chat]);
    assert_eq!((count(&report["due"]), count(&report["answered"])), (20, 20), "{report:#}");
    let target = &report["targets"][0];
    assert_eq!(target["kind"], "websockets");
    assert_eq!((count(&target["held"]["opened"]), count(&target["held"]["open"])), (5, 5), "{report:#}");
    assert_eq!(count(&target["held"]["received"]), 20, "{report:#}");
    assert_eq!(count(&target["held"]["opening"]["count"]), 5, "{report:#}");
    assert_eq!(count(&target["latency"]["corrected"]["count"]), 20, "{report:#}");
}

#[test]
fn what_is_said_in_the_chat_is_heard_by_others_and_told_as_an_event() {
    let server = Server::start();
    let (chat, events) =
        (server.url("/ws").replace("http", "ws"), server.url("/events").replace("http", "sse+http"));
    let report = load(&["--rate", "20", "--duration", "1s", "--connections", "3", &chat, &events]);
    let [chat, events] = [0, 1].map(|target| &report["targets"][target]);
    assert_eq!((count(&chat["held"]["open"]), count(&events["held"]["open"])), (3, 3), "{report:#}");
    assert!(count(&chat["answered"]) > 0 && balanced(&report), "{report:#}");
    // All but the sender hear it, and all listeners.
    assert!(count(&chat["held"]["received"]) >= count(&chat["answered"]), "{report:#}");
    assert!(count(&events["held"]["received"]) >= 3, "{report:#}");
    assert_eq!(count(&report["failed"]), 0, "{report:#}");
}

#[test]
fn websockets_are_left_and_opened_again() {
    let peer = Peer::echoing();
    let chat = format!("0*{}", peer.url("ws", "/chat"));
    let args = ["--duration", "3s", "--connections", "2", "--lifetime", "100ms", &chat];
    let report = load(&args);
    let held = &report["targets"][0]["held"];
    assert_eq!(count(&report["due"]), 0, "{report:#}");
    assert!(count(&held["left"]) >= 4, "{report:#}");
    assert_eq!(count(&held["opened"]), count(&held["left"]) + count(&held["open"]), "{report:#}");
}

#[test]
fn an_upgrade_that_is_refused_fails_what_was_to_be_sent() {
    let server = Server::start();
    let chat = server.url("/").replace("http", "ws");
    let ended =
        run(&["load", "--rate", "50", "--duration", "2s", "--connections", "2", "--format", "json", &chat]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = json(&ended);
    assert!(count(&report["targets"][0]["held"]["refused"]) >= 2, "{report:#}");
    assert_eq!(count(&report["failed"]), count(&report["due"]), "{report:#}");
    assert!(report["failures"][0]["why"].as_str().unwrap().contains("200"), "{report:#}");
}

#[test]
fn events_are_counted_while_their_streams_are_held() {
    let peer = Peer::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n: none\n\nevent: b\ndata: 2\n\n",
    );
    let report = load(&["--duration", "3s", "--connections", "3", &peer.url("sse+http", "/events")]);
    let held = &report["targets"][0]["held"];
    assert_eq!((count(&held["opened"]), count(&held["received"])), (3, 6), "{report:#}");
    assert_eq!(count(&held["first_event"]["count"]), 3, "{report:#}");
}

#[test]
fn what_is_no_event_stream_is_said_so() {
    let server = Server::start();
    let load = run(&[
        "load",
        "--duration",
        "3s",
        "--connections",
        "1",
        &server.url("/").replace("http", "sse+http"),
    ]);
    assert_eq!(load.code, Some(1), "{load:?}");
    assert!(load.stderr.contains("the content type is application/json"), "{load:?}");
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
fn tells_on_the_way_how_it_goes_unless_told_to_be_quiet() {
    let server = Server::start();
    let root = server.url("/");
    let args = ["load", "--rate", "10", "--duration", "6s", &root];
    let (mut loud, mut quiet) = (Running::start(&args), Running::start(&[&args[..], &["--quiet"]].concat()));
    let (loud, quiet) = (loud.end(), quiet.end());
    assert!(loud.stderr.contains("of 6s · sent "), "{loud:?}");
    assert!(!quiet.stderr.contains(" · sent "), "{quiet:?}");
}

#[test]
fn a_server_that_is_not_there_is_said_so() {
    let server = Server::start();
    let (url, addr) = (server.url("/"), server.addr.to_string());
    drop(server);
    for url in [url.clone(), url.replace("http", "ws"), url.replace("http", "sse+http")] {
        let load = run(&["load", &url]);
        assert_eq!(load.code, Some(2), "{load:?}");
        assert!(load.stderr.contains(&format!("{addr} refuses connections")), "{load:?}");
    }
}

#[test]
fn other_machines_are_refused_unless_allowed() {
    for scheme in ["http", "ws", "sse+http"] {
        let load = run(&["load", &format!("{scheme}://192.0.2.1:8080/")]);
        assert_eq!(load.code, Some(2));
        assert!(load.stderr.contains("192.0.2.1") && load.stderr.contains("--allow-remote"), "{load:?}");
    }
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for args in [
        &["load"][..],
        &["load", "localhost:8080"],
        &["load", "https://localhost/"],
        &["load", "FETCH http://localhost/"],
        &["load", "POST ws://localhost/"],
        &["load", "2*sse+http://localhost/"],
        &["load", "--rate", "0", "http://localhost/"],
        &["load", "--rate", "NaN", "http://localhost/"],
        &["load", "--duration", "10", "http://localhost/"],
        &["load", "--duration", "2h", "http://localhost/"],
        &["load", "--connections", "0", "http://localhost/"],
        &["load", "--header", "token", "http://localhost/"],
        &["load", "--body", "@/no/such/file", "POST http://localhost/"],
        &["load", "--message", "hello", "ws://localhost/"],
        &["load", "--lifetime", "1s", "http://localhost/"],
    ] {
        let load = run(args);
        assert_eq!(load.code, Some(2), "{args:?}: {load:?}");
        assert!(load.stderr.starts_with("error: "), "{args:?}: {load:?}");
    }
}

/// A load on its way.
struct Running(Child);

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = stallscope(args);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.0), Signal::INT).expect("it runs");
    }

    fn end(&mut self) -> Ended {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.0.stdout.take().unwrap().read_to_string(&mut stdout).expect("output is text");
        self.0.stderr.take().unwrap().read_to_string(&mut stderr).expect("output is text");
        Ended { code: self.0.wait().expect("it ends").code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
