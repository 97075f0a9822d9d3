use crate::harness::{Response, Server, run};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn every_route_that_it_names_answers() {
    let server = Server::start();
    let (status, index) = server.get("/");
    assert_eq!(status, 200);
    let routes: Vec<_> =
        index["routes"].as_array().unwrap().iter().map(|route| route.as_str().unwrap()).collect();
    assert!(routes.contains(&"/"), "{routes:?}");
    for route in routes {
        let path = if route.ends_with("ms=") { format!("{route}5") } else { route.to_owned() };
        assert_eq!(server.get(&path).0, 200, "{path}");
    }
}

#[test]
fn a_route_takes_the_time_that_it_is_asked_for() {
    let server = Server::start();
    for path in [
        "/blocking/sleep?ms=120",
        "/blocking/cpu?ms=120",
        "/fixed/sleep?ms=120",
        "/fixed/cpu?ms=120",
        "/blocking/file",
    ] {
        let asked = Instant::now();
        let (status, body) = server.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        assert!(
            asked.elapsed() >= Duration::from_millis(body["ms"].as_u64().unwrap()),
            "{path} was too quick"
        );
    }
}

#[test]
fn nonsense_is_refused_with_the_reason() {
    let server = Server::start();
    for (path, reason) in [
        ("/blocking/sleep?ms=soon", "ms=soon"),
        ("/blocking/sleep?ms=", "ms="),
        ("/blocking/cpu?ms=-1", "from 0 to 10000"),
        ("/fixed/cpu?ms=10001", "from 0 to 10000"),
        ("/fixed/sleep?ms=1e3", "whole number"),
        ("/fixed/sleep?seconds=1", "\"seconds\""),
    ] {
        let (status, body) = server.get(path);
        assert_eq!(status, 400, "{path}");
        assert!(body["error"].as_str().unwrap().contains(reason), "{path}: {body}");
    }
}

#[test]
fn other_paths_and_methods_are_told_from_those_there_are() {
    let server = Server::start();
    for (method, path, code) in [
        ("GET", "/blocking", 404),
        ("GET", "/nobody/7", 404),
        ("POST", "/", 405),
        ("DELETE", "/blocking/file", 405),
    ] {
        let (status, body) = server.ask(method, path);
        assert_eq!(status, code, "{method} {path}");
        assert!(body["error"].as_str().unwrap().contains(path), "{method} {path}: {body}");
    }
}

#[test]
fn a_port_in_use_is_said_so() {
    let server = Server::start();
    let second = run(&["serve", "--addr", &server.addr.to_string()]);
    assert_eq!(second.code, Some(2));
    assert!(second.stderr.contains(&format!("cannot listen on {}", server.addr)), "{}", second.stderr);
    assert!(second.stderr.contains("--addr"), "{}", second.stderr);
    assert_eq!(second.stdout, "");
}

#[test]
fn an_address_that_is_none_is_a_usage_error() {
    assert_eq!(run(&["serve", "--addr", "localhost"]).code, Some(2));
    let elsewhere = run(&["serve", "--addr", "192.0.2.1:8080"]);
    assert_eq!(elsewhere.code, Some(2));
    assert!(elsewhere.stderr.contains("no such address"), "{}", elsewhere.stderr);
}

#[test]
fn it_ends_when_its_starter_does() {
    let mut server = Server::start();
    drop(server.child.stdin.take());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_head_that_does_not_come_ends_the_connection_and_a_rest_does_not() {
    let server = Server::told(&["--patience", "1s"], Stdio::null());
    let (mut slow, mut resting) = (server.connect(), server.connect());
    let begun = Instant::now();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    // Dribbling does not help.
    let mut dribbling = slow.try_clone().unwrap();
    let dribble = std::thread::spawn(move || {
        while dribbling.write_all(b"a").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let ended = slow.read(&mut [0]);
    assert!(matches!(ended, Ok(0)) || ended.is_err_and(|error| error.kind() != ErrorKind::WouldBlock));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    slow.shutdown(Shutdown::Both).ok();
    dribble.join().unwrap();
    // This one has waited longer, but its head comes at once.
    write!(resting, "GET / HTTP/1.1\r\nHost: {}\r\n\r\n", server.addr).unwrap();
    let mut start = [0; 12];
    resting.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    std::thread::sleep(Duration::from_millis(1500));
    write!(resting, "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.addr).unwrap();
    let mut rest = String::new();
    resting.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("HTTP/1.1 200 "), "{rest}");
}

#[test]
fn a_client_that_sends_no_more_is_still_answered() {
    let server = Server::start();
    let mut stream = server.connect();
    write!(stream, "GET /fixed/sleep?ms=100 HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.addr)
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(Response::read(stream).status, 200);
}

#[test]
fn a_body_that_does_not_come_is_answered_with_408() {
    let server = Server::told(&["--patience", "100ms"], Stdio::null());
    for body in ["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let head = "POST /jobs HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n";
        let response = server.send(format!("{head}{body}").as_bytes());
        assert_eq!(response.status, 408, "{response:?}");
        assert!(response.json()["error"].as_str().unwrap().contains("300ms"), "{response:?}");
    }
    assert_eq!(server.get("/").0, 200);
}
