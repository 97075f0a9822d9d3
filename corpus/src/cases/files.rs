//! Waiting for a file. The working folder is the case's own.

use crate::case::skip;
use crate::time::{Work, later};
use rustix::fs::{CWD, FileType, FsWord, Mode, fstatfs, mknodat};
use std::fs::{self, File};
use std::io::{self, Read, Write};

/// `TMPFS_MAGIC`, see statfs(2).
const TMPFS: FsWord = 0x0102_1994;

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
    if fstatfs(&journal).unwrap().f_type == TMPFS {
        skip("the working folder is in memory, where nothing is left to sync");
    }
    let work = Work::waiting();
    while work.goes_on() {
        journal.write_all(b"an entry\n").and_then(|()| journal.sync_all()).unwrap(); // blocks here: syscall fsync
    }
}

/// What is in memory already is read without a wait: the kernel copies it.
pub(super) async fn cached_read() {
    let (mut zeros, mut page) = (File::open("/dev/zero").unwrap(), vec![0; 1 << 20]);
    let work = Work::computing();
    while work.goes_on() {
        zeros.read_exact(&mut page).unwrap(); // blocks here: syscall read
    }
}
