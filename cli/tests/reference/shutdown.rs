//! What becomes of what is open when the server is told to end.

use crate::client::{Client, Events, PATIENCE};
use crate::harness::{Response, SERVE, Server, stallscope};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than the time in which a second signal is the first one, on a busy machine too.
pub(crate) const ONE_SIGNAL: Duration = Duration::from_millis(700);

pub(crate) fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

fn terminate(server: &Server) {
    send(&server.child, Signal::TERM);
}

/// A server that cuts nothing off, however busy the machine is.
fn patient() -> Server {
    Server::told(&["--drain", "60s"], Stdio::null())
}

/// Waits for the log to say it.
fn said(log: &mut BufReader<ChildStderr>, what: &str) {
    let mut line = String::new();
    while !line.contains(what) {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "the log ended before {what:?}");
    }
}

fn with_log(args: &[&str]) -> (Server, BufReader<ChildStderr>) {
    let mut server = Server::told(args, Stdio::piped());
    let log = BufReader::new(server.child.stderr.take().unwrap());
    (server, log)
}

fn ask(stream: &mut TcpStream, path: &str) -> io::Result<()> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes())
}

/// One response, whose connection may live on: whether it does.
fn answered(stream: &mut BufReader<TcpStream>) -> io::Result<bool> {
    let (mut lives, mut length) = (true, 0);
    let mut first = true;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        assert!(!std::mem::take(&mut first) || line.starts_with("HTTP/1.1 200 "), "{line}");
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", bytes)) => length = bytes.parse().expect("a length"),
            Some(("connection", "close")) => lives = false,
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    stream.read_exact(&mut vec![0; length])?;
    Ok(lives)
}

/// Asks again and again, over one connection as long as it lives, until nobody takes connections any more. How many requests
/// were sent, and how many of them got no answer.
pub(crate) fn ask_on(addr: SocketAddr, pause: Duration) -> (usize, usize) {
    let (mut asked, mut lost) = (0, 0);
    while let Ok(stream) = TcpStream::connect_timeout(&addr, Duration::from_secs(5)) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = BufReader::new(stream);
        // A request that could not be sent in full is none.
        while ask(stream.get_mut(), "/").is_ok() {
            asked += 1;
            match answered(&mut stream) {
                Ok(true) => thread::sleep(pause),
                Ok(false) => break,
                Err(_) => {
                    lost += 1;
                    break;
                }
            }
        }
    }
    (asked, lost)
}

#[test]
fn no_request_under_load_is_lost() {
    let mut server = patient();
    let addr = server.addr;
    let clients: Vec<_> =
        (0..24).map(|i| thread::spawn(move || ask_on(addr, Duration::from_millis(20 + 3 * i)))).collect();
    server.live_until(|live| live["connections"] == 25);
    thread::sleep(Duration::from_millis(500));
    terminate(&server);
    let (mut asked, mut lost) = (0, 0);
    for client in clients {
        let (more_asked, more_lost) = client.join().unwrap();
        asked += more_asked;
        lost += more_lost;
    }
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(asked > 24, "{asked}");
    assert_eq!(lost, 0, "of {asked}");
}

#[test]
fn who_waits_in_the_kernels_queue_is_answered() {
    let mut server = patient();
    // Every worker is blocked, and nobody takes connections.
    let workers = thread::available_parallelism().unwrap().get();
    let mut blocking: Vec<_> = (0..workers + 1).map(|_| server.connect()).collect();
    for stream in &mut blocking {
        ask(stream, "/blocking/sleep?ms=1000").unwrap();
    }
    thread::sleep(Duration::from_millis(200));
    let mut waiting: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for stream in &mut waiting {
        ask(stream, "/").unwrap();
    }
    terminate(&server);
    for stream in blocking.into_iter().chain(waiting) {
        answered(&mut BufReader::new(stream)).expect("a response");
    }
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn requests_in_progress_are_answered_and_no_new_ones_are_taken() {
    let (mut server, mut log) = with_log(&["--drain", "60s"]);
    let (mut slow, mut open) = (server.connect(), server.connect());
    let mut resting = server.connect();
    ask(&mut open, "/").unwrap();
    let mut open = BufReader::new(open);
    assert!(answered(&mut open).unwrap());
    ask(&mut slow, "/fixed/sleep?ms=1500").unwrap();
    server.live_until(|live| live["connections"] == 4);
    terminate(&server);
    said(&mut log, "ending");
    // A connection that was open may ask once more, and learns that this is the end.
    ask(open.get_mut(), "/readyz").unwrap();
    let last = Response::read(open.into_inner());
    assert_eq!(last.status, 503, "{last:?}");
    assert_eq!(last.header("connection"), Some("close"));
    // One that asks nothing is closed, and not reset.
    assert_eq!(resting.read(&mut [0]).unwrap(), 0);
    let refused = TcpStream::connect(server.addr).map(drop);
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let slow = Response::read(slow);
    assert_eq!((slow.status, slow.header("connection")), (200, Some("close")));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_stays_open_is_closed_in_form() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = patient();
        let mut clients = ["/ws", "/ws/leaky"].map(|path| Client::join(&server, path));
        let mut events = Events::of(&server);
        events.next_of("tick");
        send(&server.child, signal);
        for client in &mut clients {
            assert_eq!(client.closed_with(), 1001);
            // The answer to the server's close.
            while client.0.read().is_ok() {}
        }
        events.next_of("end");
        assert!(events.rest().ends_with("0\r\n\r\n"), "a whole body");
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn what_takes_longer_than_the_limit_is_cut_off() {
    let (mut server, mut log) = with_log(&["--drain", "300ms"]);
    let mut slow = server.connect();
    ask(&mut slow, "/fixed/sleep?ms=10000").unwrap();
    // A client that leaves the server's close unanswered.
    let mut deaf = Client::join(&server, "/ws");
    server.live_until(|live| live["connections"] == 2);
    let told = Instant::now();
    terminate(&server);
    said(&mut log, "cut off 2 connections or jobs");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(9), "it waited for the request");
    assert_eq!(slow.read(&mut [0]).unwrap_or(0), 0, "half an answer is none");
    assert_eq!(deaf.closed_with(), 1001);
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    // Blocked, its event loop could hear no signal.
    for (path, signal, code) in [("/fixed/sleep", Signal::TERM, 143), ("/blocking/sleep", Signal::INT, 130)] {
        let (mut server, mut log) = with_log(&["--drain", "60s"]);
        let mut slow: Vec<_> = (0..9).map(|_| server.connect()).collect();
        for stream in &mut slow {
            ask(stream, &format!("{path}?ms=10000")).unwrap();
        }
        send(&server.child, signal);
        said(&mut log, "ending");
        thread::sleep(ONE_SIGNAL);
        send(&server.child, signal);
        said(&mut log, "ending at once");
        // Had it waited for the requests, it would be 0.
        assert_eq!(server.child.wait().unwrap().code(), Some(code), "{path}");
    }
}

#[test]
fn one_signal_that_comes_twice_is_one() {
    let mut server = patient();
    let mut slow = server.connect();
    ask(&mut slow, "/fixed/sleep?ms=1000").unwrap();
    server.live_until(|live| live["connections"] == 2);
    for _ in 0..3 {
        terminate(&server);
    }
    assert_eq!(Response::read(slow).status, 200);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_the_instrument_saw_is_in_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut command = stallscope(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("STALLSCOPE_LOG", &path);
    let mut server = Server::of(command.stderr(Stdio::null()));
    // Longer than the time after the start in which nothing is a stall.
    assert_eq!(server.get("/blocking/sleep?ms=2000").0, 200);
    terminate(&server);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let log = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let stalls: Vec<_> = lines.iter().filter(|line| line["kind"] == "stall").collect();
    let ended = stalls.iter().any(|stall| stall["phase"] == "end");
    let named = stalls.iter().any(|stall| stall.to_string().contains("faults/sleep.rs"));
    assert!(ended && named, "{stalls:#?}");
}

#[test]
fn nothing_of_it_stays_behind() {
    for (drain, cut_off) in [("60s", false), ("100ms", true)] {
        let folder = tempfile::tempdir().unwrap();
        let left = || -> Vec<String> {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with("stallscope-serve-")).collect()
        };
        let mut command = stallscope(&SERVE);
        command.args(["--drain", drain]).env("TMPDIR", folder.path()).stderr(Stdio::null());
        let mut server = Server::of(&mut command);
        assert_eq!(left().len(), 1, "its database");
        let mut slow = server.connect();
        if cut_off {
            ask(&mut slow, "/fixed/sleep?ms=10000").unwrap();
            server.live_until(|live| live["connections"] == 2);
        }
        drop(server.child.stdin.take());
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
        assert_eq!(left(), [""; 0], "with {drain}");
    }
}
