use crate::harness::{Server, run};
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
        ("GET", "/users/7", 404),
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
