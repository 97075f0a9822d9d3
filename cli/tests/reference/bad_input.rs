//! What no client should send: each gets the right status, and the server lives.

use crate::harness::{Response, Server};
use std::io::{Read, Write};
use std::net::Shutdown;

#[test]
fn other_methods_are_told_which_there_are() {
    let server = Server::start();
    for (method, path, allowed) in [
        ("POST", "/", "GET"),
        ("DELETE", "/users/1", "GET"),
        ("POST", "/aggregate", "GET"),
        ("GET", "/image", "POST"),
        ("PUT", "/jobs", "GET,HEAD,POST"),
        ("PATCH", "/jobs/1", "GET"),
        ("PUT", "/form", "GET,HEAD,POST"),
        ("POST", "/upstream/flaky", "GET"),
        ("POST", "/healthz", "GET"),
        ("BREW", "/readyz", "GET"),
    ] {
        let response = server.request(method, path, &[], b"");
        assert_eq!(response.status, 405, "{method} {path}: {response:?}");
        let allow = response.header("allow").unwrap_or_else(|| panic!("{method} {path}: {response:?}"));
        for allowed in allowed.split(',') {
            assert!(allow.split(',').any(|method| method == allowed), "{method} {path}: {allow}");
        }
        assert!(response.json()["error"].as_str().unwrap().contains(method), "{response:?}");
    }
}

#[test]
fn paths_with_tricks_lead_nowhere() {
    let server = Server::start();
    let (long, endless) = (format!("/{}", "a".repeat(8_000)), format!("/{}", "a".repeat(70_000)));
    for (path, status) in [
        ("/../etc/passwd", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/users/../jobs", 404),
        ("/users/%2e%2e%2fjobs", 400),
        ("//", 404),
        ("//healthz", 404),
        ("/healthz/", 404),
        ("/users//", 404),
        ("/users/", 404),
        ("/users/1/", 404),
        ("/users/%00", 400),
        ("/users/%ff", 400),
        ("/users/1%00", 400),
        ("/users/99999999999999999999", 400),
        ("/jobs/-1", 400),
        ("/a\0b", 400),
        ("/%zz", 404),
        ("no-slash", 404),
        (&long, 404),
        (&endless, 414),
    ] {
        let bearer = [("Authorization", "Bearer reference")];
        let response = server.request("GET", path, &bearer, b"");
        assert_eq!(response.status, status, "{path:.40}: {response:?}");
    }
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn heads_that_are_none_are_refused() {
    let server = Server::start();
    let huge = format!("GET / HTTP/1.1\r\nHost: here\r\nX-Huge: {}\r\n\r\n", "a".repeat(600_000));
    let many = format!("GET / HTTP/1.1\r\nHost: here\r\n{}\r\n", "X-Many: 1\r\n".repeat(200));
    for (bytes, status) in [
        (huge.as_bytes(), 431),
        (many.as_bytes(), 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST /jobs HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (b"POST /jobs HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\nContent-Type: application/json\r\nConnection: close\r\n\r\nzz\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ] {
        let response = server.send(bytes);
        let sent = bytes[..bytes.len().min(60)].escape_ascii();
        assert_eq!(response.status, status, "{sent}: {response:?}");
    }
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn bodies_that_are_too_large_or_no_json_are_refused() {
    let server = Server::start();
    let json = [("Content-Type", "application/json")];
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let huge = vec![b'a'; 5 * 1_024 * 1_024];
    for (path, headers, body, status) in [
        ("/image", [("Content-Type", "image/png")], &huge[..], 413),
        ("/jobs", json, &huge[..20_000], 413),
        ("/form", form, &huge[..20_000], 413),
        ("/jobs", json, b"{\"text\": \"a\", ", 400),
        ("/jobs", json, b"\xff\xfe", 400),
        ("/jobs", json, b"{\"text\": \"a\"}", 422),
        ("/jobs", json, b"{\"text\": \"a\", \"rounds\": 0}", 422),
        ("/jobs", json, b"{\"text\": \"a\", \"rounds\": 1000001}", 422),
        ("/jobs", json, b"{\"text\": \"a\", \"rounds\": -1}", 422),
        ("/jobs", json, b"{\"text\": \"a\", \"rounds\": 1, \"more\": 1}", 422),
        ("/jobs", form, b"{\"text\": \"a\", \"rounds\": 1}", 415),
        ("/form", json, b"{}", 415),
    ] {
        let response = server.request("POST", path, &headers, body);
        assert_eq!(response.status, status, "{path}: {response:?}");
        assert!(response.json()["error"].is_string(), "{path}: {response:?}");
    }
    for query in ["/aggregate?item=one", "/aggregate?items=1", "/upstream/flaky?fail=-1"] {
        assert_eq!(server.get(query).0, 400, "{query}");
    }
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn a_client_that_sends_no_more_than_half_hurts_nobody() {
    let server = Server::start();
    for half in [
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: he",
        "POST /jobs HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        "POST /image HTTP/1.1\r\nHost: here\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ] {
        let mut client = server.connect();
        client.write_all(half.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        // An error, or nothing: but the connection ends, and does not wait for the rest.
        let ended = client.read_to_string(&mut answer);
        let timed_out = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out && !answer.starts_with("HTTP/1.1 2"), "{half:?}: {answer}");
    }
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn requests_in_one_packet_are_answered_in_order() {
    let server = Server::start();
    let one = "GET /healthz HTTP/1.1\r\nHost: here\r\n";
    let mut client = server.connect();
    write!(client, "{one}X-Request-Id: a\r\n\r\n{one}X-Request-Id: b\r\nConnection: close\r\n\r\n").unwrap();
    let both = Response::read(client);
    assert_eq!(both.header("x-request-id"), Some("a"));
    assert!(both.text().contains("x-request-id: b"), "{both:?}");
}
