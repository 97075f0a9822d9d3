//! Connections that a program leaves open, and those that it closes.
#![expect(unsafe_code, reason = "limits are libc's")]

use crate::harness::{Seen, multi_thread, program, run};
use stallscope::analysis::{Rule, findings};
use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Far longer than a look at the sockets takes to come.
const PATIENCE: Duration = Duration::from_secs(40);

/// Waits until the program's own log holds this.
async fn until_logged(text: &str) {
    let folder = env::var_os("STALLSCOPE_LOG").unwrap();
    let begun = Instant::now();
    loop {
        let logs = fs::read_dir(&folder).into_iter().flatten().flatten();
        if logs
            .filter_map(|log| fs::read(log.path()).ok())
            .any(|log| String::from_utf8_lossy(&log).contains(text))
        {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{text} is never logged");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A listener, and both sides of so many connections to it.
async fn connections(count: usize) -> (TcpListener, Vec<TcpStream>, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let (mut clients, mut servers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        clients.push(TcpStream::connect(address).await.unwrap());
        servers.push(listener.accept().await.unwrap().0);
    }
    (listener, clients, servers)
}

fn leaks(seen: &Seen) -> Vec<(u64, String)> {
    let found = findings(&[&seen.log().history]);
    let leaks = found.into_iter().filter(|finding| finding.rule == Rule::SocketLeak);
    leaks.map(|finding| (finding.count, finding.to_string())).collect()
}

#[test]
fn what_is_kept_after_its_clients_have_left_is_a_leak() {
    let program = program(|| {
        run(multi_thread(), async {
            let (_listener, clients, servers) = connections(3).await;
            until_logged("\"open\":3").await;
            drop(clients);
            until_logged("\"overdue\":3").await;
            drop(servers);
        });
    });
    let seen = program.with("STALLSCOPE_CLOSE_WAIT", "1s").run().ended();
    let [(count, said)] = &leaks(&seen)[..] else { panic!("{:?}", leaks(&seen)) };
    assert!(
        *count == 3 && said.contains(" 3 connections that their clients closed, the oldest for "),
        "{said}"
    );
}

#[test]
fn what_is_closed_with_its_clients_is_none() {
    let program = program(|| {
        run(multi_thread(), async {
            let (_listener, clients, servers) = connections(3).await;
            until_logged("\"open\":3").await;
            drop(clients);
            for mut server in servers {
                assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
            }
            until_logged("\"closed\":3").await;
        });
    });
    let seen = program.with("STALLSCOPE_CLOSE_WAIT", "1s").run().ended();
    assert_eq!(leaks(&seen), []);
    let group = |group: &&stallscope_wire::SocketGroup| group.incoming;
    let sockets = seen.log().history.sockets().unwrap();
    let incoming = sockets.groups.iter().find(group).unwrap();
    assert_eq!((incoming.open, incoming.opened, incoming.closed), (0, 3, 3));
}

/// Allows the process few more descriptors than it has, and takes them all.
fn take_all_descriptors() -> Vec<File> {
    let open = || File::open("/dev/null");
    let highest = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes the limit to where it reads the next one from.
    let limited = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = highest + 16;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit)
    };
    assert_eq!(limited, 0);
    std::iter::from_fn(|| open().ok()).collect()
}

#[test]
fn while_no_descriptor_is_left_connections_are_not_taken_to_be_closed() {
    let program = program(|| {
        run(multi_thread(), async {
            let (_listener, clients, servers) = connections(3).await;
            until_logged("\"open\":3").await;
            let folder = env::var_os("STALLSCOPE_LOG").unwrap();
            let log = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
            let (mut log, begun) = (File::open(log).unwrap(), Instant::now());
            let taken = take_all_descriptors();
            let mut text = String::new();
            while !text.contains("the open sockets, while the kernel cannot be asked for them") {
                assert!(begun.elapsed() < PATIENCE, "no gap is told");
                sleep(Duration::from_millis(50)).await;
                log.read_to_string(&mut text).unwrap();
            }
            drop(taken);
            drop((clients, servers));
            until_logged("\"closed\":3").await;
        });
    });
    let seen = program.run().ended();
    let sockets = seen.log().history.sockets().unwrap();
    let incoming = sockets.groups.iter().find(|group| group.incoming).unwrap();
    assert_eq!((incoming.open, incoming.opened, incoming.closed), (0, 3, 3));
}
