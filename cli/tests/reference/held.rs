//! How much is held open at a time, and what that takes.

use crate::client::{Client, raw};
use crate::harness::{Server, alone};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Resident memory, in bytes.
fn resident(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it runs");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect(line) * 1024
}

/// Asks over a connection that stays open.
fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"}") {
        let mut part = [0; 1024];
        let read = stream.read(&mut part).expect("a response");
        assert_ne!(read, 0, "the connection ended after {}", response.escape_ascii());
        response.extend_from_slice(&part[..read]);
    }
    assert!(response.starts_with(b"HTTP/1.1 200 "), "{}", response.escape_ascii());
}

/// Bytes of resident memory for each connection and for each WebSocket of so many that are open at once.
fn held(connections: usize, sockets: usize) -> (usize, usize) {
    let _alone = alone();
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("the limit can be raised");
    let server = Server::start();
    let open = |count: usize| -> Vec<TcpStream> {
        let mut streams: Vec<_> = (0..count).map(|_| server.connect()).collect();
        streams.iter_mut().for_each(ask);
        streams
    };
    // What is made once, for the first ones.
    drop(open(50));
    server.live_until(|live| live["connections"] == 1);

    let before = resident(&server);
    let mut streams = open(connections);
    server.live_until(|live| live["connections"] == connections + 1);
    let with_connections = resident(&server);
    let clients: Vec<_> = (0..sockets).map(|_| raw(&server, "/ws")).collect();
    server.live_until(|live| live["chat"]["members"] == sockets);
    let with_sockets = resident(&server);

    // All of them are there.
    streams.iter_mut().for_each(ask);
    Client::join(&server, "/ws").say("all");
    let said = format!("{{\"from\":{},\"text\":\"all\"}}", sockets + 1);
    for mut client in &clients {
        let mut frame = vec![0; 2 + said.len()];
        client.read_exact(&mut frame).expect("a frame");
        assert_eq!(&frame[2..], said.as_bytes());
    }
    drop((streams, clients));
    server.live_until(|live| live["connections"] == 1 && live["chat"]["members"] == 0);
    let growth = |from: usize, to: usize, count: usize| to.saturating_sub(from) / count;
    (growth(before, with_connections, connections), growth(with_connections, with_sockets, sockets))
}

#[test]
fn a_thousand_connections_are_held_in_little_memory() {
    let (connection, socket) = held(1_000, 200);
    assert!(connection < 48 * 1024, "{connection} bytes for each connection");
    assert!(socket < 64 * 1024, "{socket} bytes for each WebSocket");
}

#[test]
#[ignore = "takes 24,000 file descriptors; .ci/run runs it where they can be had"]
fn ten_thousand_connections_and_two_thousand_web_sockets_are_held() {
    let (connection, socket) = held(10_000, 2_000);
    println!("{connection} bytes for each of 10,000 connections, {socket} for each of 2,000 WebSockets");
    assert!(connection < 48 * 1024, "{connection} bytes for each connection");
    assert!(socket < 64 * 1024, "{socket} bytes for each WebSocket");
}
