//! Waiting for a file. The working folder is the case's own.

use crate::case::skip;
use crate::time::{Work, later, spent};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::time::Instant;

fn fifo() {
    mknodat(CWD, "fifo", FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

pub(super) async fn file_read() {
    fifo();
    // Open for both, it waits for nobody who reads.
    let mut writer = File::options().read(true).write(true).open("fifo").unwrap();
    later(move || writer.write_all(b"late").unwrap());
    fs::read_to_string("fifo").unwrap(); // blocks here: syscall read
}

pub(super) async fn fifo_open() {
    fifo();
    later(|| drop(File::create("fifo")));
    File::open("fifo").unwrap(); // blocks here: syscall openat
}

pub(super) async fn pipe_read() {
    let (mut reader, writer) = io::pipe().unwrap();
    later(|| drop(writer));
    reader.read_to_end(&mut Vec::new()).unwrap(); // blocks here: syscall read
}

// not for sampling: many short calls
pub(super) async fn fsync() {
    let mut journal = File::create("journal").unwrap();
    let (begun, computed, work) = (Instant::now(), spent(), Work::waiting());
    while work.goes_on() {
        journal.write_all(b"an entry\n").and_then(|()| journal.sync_all()).unwrap(); // blocks here: syscall fsync
    }
    if spent() - computed > begun.elapsed() / 2 {
        skip("this disk is too quick: syncing computes for longer than it waits");
    }
}
