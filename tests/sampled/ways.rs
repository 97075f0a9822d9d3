//! Ways to keep a thread waiting.

use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// A socket whose other end sends a byte after a while.
pub(crate) fn slow_peer(after: Duration) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    thread::spawn(move || {
        thread::sleep(after);
        peer.write_all(b"x").unwrap();
    });
    stream
}

/// A pipe with a name, in the working directory, into which a byte is written after a while.
pub(crate) fn slow_fifo(after: Duration) -> File {
    assert!(Command::new("mkfifo").arg("fifo").status().unwrap().success());
    thread::spawn(move || {
        let mut end = File::create("fifo").unwrap();
        thread::sleep(after);
        end.write_all(b"x").unwrap();
    });
    File::open("fifo").unwrap()
}

/// A lock that another thread holds for a while.
pub(crate) fn held_lock(time: Duration) -> &'static Mutex<()> {
    static LOCK: Mutex<()> = Mutex::new(());
    let (send, held) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let _held = LOCK.lock().unwrap();
        send.send(()).unwrap();
        thread::sleep(time);
    });
    held.recv().unwrap();
    &LOCK
}
