//! Ways to keep a thread busy.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Computes until the thread has spent this time on a processor, however long a crowded machine takes to give it.
pub(crate) fn compute(time: Duration) {
    let spent = || {
        let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().and_then(|ns| ns.parse().ok()).map(Duration::from_nanos).unwrap()
    };
    let begun = spent();
    let mut sum = 0u64;
    while spent() - begun < time {
        sum = black_box((0..20_000).fold(sum, |sum, n| sum.wrapping_mul(31) ^ n));
    }
}

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
