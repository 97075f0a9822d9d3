//! The live socket.

use crate::harness::{LONG, multi_thread, program, run};
use stallscope_wire::{Line, Phase, Reader};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;
use tokio::time::sleep;

#[test]
fn a_reader_that_comes_late_is_told_what_was_before() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
            while !Path::new("told").exists() {
                sleep(LONG / 10).await;
            }
        });
    });
    let mut running = program.start();
    running.until("the stall is over", |log| log.stalls().iter().any(|record| !record.ongoing));
    let folder = running.path("stallscope");
    let socket = folder.join(format!("{}.sock", running.pid()));
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&socket)), (0o700, 0o600));

    let stream = UnixStream::connect(&socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = Reader::new(stream).unwrap();
    assert_eq!(reader.header().pid, running.pid());
    let mut lines = std::iter::from_fn(|| reader.next_line().unwrap());
    assert!(lines.any(|line| matches!(line, Line::Stall(stall) if stall.phase == Phase::End)));
    assert!(lines.any(|line| matches!(line, Line::Snapshot(_))), "and then what is now");

    fs::write(running.path("told"), "").unwrap();
    assert!(lines.any(|line| matches!(line, Line::End(_))));
    running.wait().ended();
}

#[test]
fn the_socket_is_gone_with_its_process() {
    let program = program(|| {
        run(multi_thread(), async { sleep(LONG).await });
    });
    let mut running = program.start();
    let socket = running.path("stallscope").join(format!("{}.sock", running.pid()));
    running.until_exists(&socket);
    let _seen = running.wait().ended();
    assert!(!socket.exists());
}
