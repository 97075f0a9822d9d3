//! Several processes on one port, and who looks after them.

use crate::client::PATIENCE;
use crate::harness::{Response, Server, run};
use crate::shutdown::{ONE_SIGNAL, ask_on, send};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// The processes that a server has started.
fn children(server: &Server) -> BTreeSet<i32> {
    let id = server.child.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    children.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn kill(pid: i32, signal: Signal) {
    // One that is gone already has what it was to get.
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

fn is_gone(pid: i32) -> bool {
    test_kill_process(Pid::from_raw(pid).unwrap()).is_err()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it did not come to this: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Which processes answer, asked until `count` have.
fn who_answers(server: &Server, count: usize) -> BTreeSet<i32> {
    let mut answered = BTreeSet::new();
    until("all processes answer", || {
        answered.insert(i32::try_from(server.get("/live").1["pid"].as_i64().unwrap()).unwrap());
        answered.len() == count
    });
    answered
}

#[test]
fn each_process_answers_and_one_that_dies_is_replaced() {
    let server = Server::told(&["--processes", "3"], Stdio::null());
    let before = children(&server);
    assert_eq!(before.len(), 3);
    assert_eq!(who_answers(&server, 3), before);
    let victim = *before.first().unwrap();
    kill(victim, Signal::KILL);
    until("the dead one is replaced", || {
        let now = children(&server);
        now.len() == 3 && !now.contains(&victim)
    });
    let now = children(&server);
    assert_eq!(now.intersection(&before).count(), 2, "the others stay");
    // A new one takes requests a while after it has started; until then the others take them.
    assert_eq!(who_answers(&server, 3), now);
}

#[test]
fn processes_are_replaced_one_by_one_under_load_without_a_request_lost() {
    let mut server = Server::told(&["--processes", "2", "--drain", "60s"], Stdio::null());
    let addr = server.addr;
    let clients: Vec<_> =
        (0..12).map(|i| thread::spawn(move || ask_on(addr, Duration::from_millis(20 + 5 * i)))).collect();
    for old in children(&server) {
        kill(old, Signal::TERM);
        until("it is replaced", || {
            let now = children(&server);
            now.len() == 2 && !now.contains(&old)
        });
        let now = children(&server);
        assert_eq!(who_answers(&server, 2), now);
    }
    assert!(clients.iter().all(|client| !client.is_finished()), "a connection was refused");
    send(&server.child, Signal::TERM);
    let counts: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    // A client that came to the old process in its last moment waits for a second, which may be all the time there is.
    assert!(counts.iter().map(|(asked, _)| asked).sum::<usize>() > 24, "{counts:?}");
    assert!(counts.iter().all(|&(_, lost)| lost == 0), "{counts:?}");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn all_end_with_the_one_that_looks_after_them() {
    let mut server = Server::told(&["--processes", "2"], Stdio::null());
    let processes = children(&server);
    send(&server.child, Signal::TERM);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(processes.into_iter().all(is_gone));

    let mut server = Server::told(&["--processes", "2"], Stdio::null());
    let processes = children(&server);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    until("orphans end", || processes.iter().copied().all(is_gone));

    let mut server = Server::told(&["--processes", "2"], Stdio::null());
    let processes = children(&server);
    drop(server.child.stdin.take());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(processes.into_iter().all(is_gone));
}

#[test]
fn a_signal_to_all_of_them_at_once_is_one_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::told(&["--processes", "2", "--drain", "60s"], Stdio::null());
        let mut slow: Vec<_> = (0..4).map(|_| server.connect()).collect();
        for stream in &mut slow {
            stream.write_all(b"GET /fixed/sleep?ms=1500 HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        }
        thread::sleep(Duration::from_millis(500));
        children(&server).into_iter().for_each(|pid| kill(pid, signal));
        send(&server.child, signal);
        for stream in slow {
            assert_eq!(Response::read(stream).status, 200);
        }
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_second_signal_reaches_all_and_shows_in_the_exit_code() {
    let mut server = Server::told(&["--processes", "2", "--drain", "60s"], Stdio::null());
    let processes = children(&server);
    let mut slow = server.connect();
    slow.write_all(b"GET /fixed/sleep?ms=10000 HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    thread::sleep(Duration::from_millis(500));
    send(&server.child, Signal::TERM);
    until("one of them has nothing to wait for", || processes.iter().copied().any(is_gone));
    thread::sleep(ONE_SIGNAL);
    send(&server.child, Signal::TERM);
    assert_eq!(server.child.wait().unwrap().code(), Some(143));
    assert!(processes.into_iter().all(is_gone));
}

#[test]
fn processes_that_end_as_soon_as_they_start_are_given_up() {
    let mut server = Server::told(&["--processes", "2"], Stdio::piped());
    let log = BufReader::new(server.child.stderr.take().unwrap());
    let log = thread::spawn(move || log.lines().map(Result::unwrap).collect::<Vec<_>>());
    let mut killed = 0;
    let code = loop {
        if let Some(status) = server.child.try_wait().unwrap() {
            break status.code();
        }
        for pid in children(&server) {
            kill(pid, Signal::KILL);
            killed += 1;
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(code, Some(1), "after {killed}");
    let log = log.join().unwrap();
    let last = log.last().unwrap();
    assert!(last.starts_with("error: process "), "{log:#?}");
    assert!(last.contains("ended 5 times within 2 s of its start, the last time with signal 9"), "{log:#?}");
}

#[test]
fn a_port_in_use_is_said_so() {
    for others in ["1", "2"] {
        let server = Server::told(&["--processes", others], Stdio::null());
        for processes in ["1", "2"] {
            let second = run(&["serve", "--processes", processes, "--addr", &server.addr.to_string()]);
            assert_eq!(second.code, Some(2), "{second:?}");
            assert!(second.stderr.contains(&format!("cannot listen on {}", server.addr)), "{second:?}");
        }
    }
    for processes in ["0", "65", "many"] {
        assert_eq!(run(&["serve", "--processes", processes]).code, Some(2));
    }
}
