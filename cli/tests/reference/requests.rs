//! What holds for each request, whatever its route: its id, its line in the log, the headers and form of its response.

use crate::harness::{SERVE, Server, stallscope};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

/// The log of a server, one JSON object a line.
struct Log(Box<dyn BufRead>);

impl Log {
    fn start() -> (Server, Self) {
        let mut command = stallscope(&SERVE);
        let mut server = Server::of(command.args(["--log-format", "json"]).stderr(Stdio::piped()));
        let stderr = server.child.stderr.take().unwrap();
        (server, Self(Box::new(BufReader::new(stderr))))
    }

    /// The next line about a request that is over.
    fn access(&mut self) -> Value {
        loop {
            let line = self.line();
            if line["target"] == "access" {
                return line;
            }
        }
    }

    /// The next line; ends with the server, should it never come.
    fn line(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the log has ended");
        serde_json::from_str(&line).expect(&line)
    }
}

#[test]
fn a_request_is_logged_in_one_line_when_it_is_over() {
    let (server, mut log) = Log::start();
    let response = server.request("GET", "/fixed/sleep?ms=30", &[("X-Request-Id", "front-1.a7")], b"");
    assert_eq!(response.header("x-request-id"), Some("front-1.a7"));
    let line = log.access();
    let (fields, span) = (&line["fields"], &line["span"]);
    assert_eq!(span["id"], "front-1.a7", "{line}");
    assert_eq!(fields["method"], "GET");
    assert_eq!(fields["route"], "/fixed/sleep", "the template, without what was asked for");
    assert_eq!(fields["status"], 200);
    assert_eq!(fields["outcome"], "answered");
    assert!(fields["ms"].as_f64().unwrap() >= 30.0, "{line}");

    server.get("/nobody/secret");
    let line = log.access();
    assert_eq!((&line["fields"]["route"], &line["fields"]["status"]), (&"*".into(), &404.into()), "{line}");
    assert!(!line.to_string().contains("secret"), "{line}");

    server.request("HEAD", "/", &[], b"");
    assert_eq!(log.access()["fields"]["outcome"], "answered");
}

#[test]
fn a_response_that_its_client_did_not_wait_for_is_logged_too() {
    let (server, mut log) = Log::start();
    let mut client = server.connect();
    write!(client, "GET /events HTTP/1.1\r\nHost: here\r\nX-Request-Id: gone\r\n\r\n").unwrap();
    client.read_exact(&mut [0; 16]).unwrap();
    server.get("/healthz");
    assert_eq!(log.access()["fields"]["route"], "/healthz", "the other is not over");
    drop(client);
    let line = log.access();
    assert_eq!((&line["span"]["id"], &line["fields"]["outcome"]), (&"gone".into(), &"cut off".into()));
    assert_eq!((&line["fields"]["route"], &line["fields"]["status"]), (&"/events".into(), &200.into()));
}

#[test]
fn an_id_that_would_hurt_the_log_is_not_taken_over() {
    let server = Server::start();
    let long = "a".repeat(65);
    for insane in ["", "two words", "a\"b", "id=7,status=200", &long] {
        let response = server.request("GET", "/", &[("X-Request-Id", insane)], b"");
        let id = response.header("x-request-id").unwrap();
        assert!(id.len() == 16 && id != insane, "{insane:?} became {id:?}");
    }
    let two = server.request("GET", "/", &[("X-Request-Id", "a"), ("X-Request-Id", "b")], b"");
    assert_eq!(two.header("x-request-id"), Some("a"));
}

#[test]
fn what_a_job_logs_says_the_id_of_its_request() {
    let (server, mut log) = Log::start();
    let headers = [("X-Request-Id", "order-7"), ("Content-Type", "application/json")];
    assert_eq!(server.request("POST", "/jobs", &headers, br#"{"text": "a", "rounds": 1}"#).status, 202);
    let done = loop {
        let line = log.line();
        if line["fields"]["message"] == "job done" {
            break line;
        }
    };
    assert_eq!(done["span"]["id"], "order-7", "{done}");
}

#[test]
fn jobs_that_were_taken_are_done_before_the_server_ends() {
    let (mut server, mut log) = Log::start();
    for _ in 0..5 {
        let json = [("Content-Type", "application/json")];
        assert_eq!(server.request("POST", "/jobs", &json, br#"{"text": "a", "rounds": 3000}"#).status, 202);
    }
    drop(server.child.stdin.take());
    let mut rest = String::new();
    log.0.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.matches("job done").count(), 5, "{rest}");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_stall_says_the_id_of_the_request_that_it_belongs_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut server = Server::with(&[("STALLSCOPE_LOG", path.to_str().unwrap())]);
    // Longer than the time after the start in which nothing is a stall.
    let id = [("X-Request-Id", "culprit-1")];
    assert_eq!(server.request("GET", "/blocking/sleep?ms=2500", &id, b"").status, 200);
    drop(server.child.stdin.take());
    server.child.wait().unwrap();
    let log = std::fs::read_to_string(&path).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let serving: Vec<_> =
        lines.filter(|line| line["kind"] == "stall").map(|line| line["serving"].clone()).collect();
    let culprit = serde_json::json!({ "route": "GET /blocking/sleep", "id": "culprit-1" });
    assert!(serving.contains(&culprit), "{serving:?}");
}

#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    let (server, log) = Log::start();
    // More than a pipe holds, which is 64 KiB.
    let name = format!("/nobody{}", "/deep".repeat(20));
    for _ in 0..600 {
        assert_eq!(server.get(&name).0, 404);
    }
    drop(log);
}

#[test]
fn browsers_are_told_to_be_careful() {
    let server = Server::start();
    for path in ["/", "/form", "/nobody"] {
        let response = server.request("GET", path, &[], b"");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(response.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"), "{path}");
        let policy = response.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
    }
}

#[test]
fn only_a_body_worth_it_is_compressed_and_only_for_who_takes_it() {
    let server = Server::start();
    let gzip = [("Accept-Encoding", "gzip")];
    let plain = server.request("GET", "/", &[], b"");
    assert!(plain.body.len() > 512, "the index is large enough");
    assert_eq!(plain.header("content-encoding"), None);
    let small = server.request("GET", "/", &gzip, b"");
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert_eq!(small.header("vary"), Some("accept-encoding"));
    assert!(small.body.len() < plain.body.len(), "{} of {}", small.body.len(), plain.body.len());
    assert_eq!(server.request("GET", "/healthz", &gzip, b"").header("content-encoding"), None);
}
