//! Calls that somebody else ends: a thread that does its part a moment after it was asked.
#![expect(unsafe_code, reason = "some are libc's")]

use super::Call;
use super::outcome::returned;
use crate::harness::ms;
use std::fs::File;
use std::io::{PipeWriter, Read, Write, pipe};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// How long a call waits for the other's part.
const MOMENT: Duration = ms(6);

type Body = Box<dyn FnMut() -> String + Send>;

pub(super) fn all() -> Vec<Call> {
    vec![
        ("Mutex::lock", mutex()),
        ("pipe read", pipe_read()),
        ("recv", recv()),
        ("accept", accept()),
        ("connect", connect()),
        ("FIFO open", fifo()),
        ("flock", flock()),
        ("msgrcv", msgrcv()),
    ]
}

/// A thread that does `part` a moment after each time it is asked.
fn other(mut part: impl FnMut() + Send + 'static) -> impl FnMut() {
    let (ask, asked) = mpsc::channel();
    thread::spawn(move || {
        for () in asked {
            thread::sleep(MOMENT);
            part();
        }
    });
    move || ask.send(()).unwrap()
}

fn mutex() -> Body {
    let (ours, theirs) = (Arc::new(Mutex::new(())), mpsc::channel());
    let (lock, held) = (Arc::clone(&ours), theirs.0);
    let ask = {
        let (ask, asked) = mpsc::channel();
        thread::spawn(move || {
            for () in asked {
                let _guard = lock.lock().unwrap();
                held.send(()).unwrap();
                thread::sleep(MOMENT);
            }
        });
        move || ask.send(()).unwrap()
    };
    Box::new(move || {
        ask();
        theirs.1.recv().unwrap();
        ours.lock().is_ok().to_string()
    })
}

fn write_byte(mut to: PipeWriter) -> impl FnMut() {
    other(move || to.write_all(b"x").unwrap())
}

fn pipe_read() -> Body {
    let (mut reader, writer) = pipe().unwrap();
    let mut ask = write_byte(writer);
    Box::new(move || {
        ask();
        format!("{:?}", reader.read(&mut [0; 2]))
    })
}

fn recv() -> Body {
    let (socket, mut to) = UnixStream::pair().unwrap();
    let mut ask = other(move || to.write_all(b"x").unwrap());
    Box::new(move || {
        ask();
        let mut byte = 0_u8;
        // SAFETY: there is room for the one byte that is asked for.
        returned(unsafe { libc::recv(socket.as_raw_fd(), (&raw mut byte).cast(), 1, 0) } as i64)
    })
}

fn accept() -> Body {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut ask = other(move || drop(TcpStream::connect(address).unwrap()));
    Box::new(move || {
        ask();
        // SAFETY: the peer's address is not asked for.
        let accepted = unsafe { libc::accept(listener.as_raw_fd(), null_mut(), null_mut()) };
        if accepted < 0 {
            return returned(accepted);
        }
        // SAFETY: it was accepted just now, and nobody else knows of it.
        unsafe { libc::close(accepted) };
        "accepted".to_owned()
    })
}

/// To a listener whose queue is full until the other makes room.
fn connect() -> Body {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    // SAFETY: takes numbers. From now on one connection may wait to be accepted.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let mut ask = other(move || drop((listener.accept().unwrap(), listener.accept().unwrap())));
    Box::new(move || {
        let _lasts = &folder;
        let _waiting = UnixStream::connect(&path).unwrap();
        ask();
        format!("{:?}", UnixStream::connect(&path).map(drop).map_err(|error| error.kind()))
    })
}

fn fifo() -> Body {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fifo");
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the name ends with a zero.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let writer = path.clone();
    let mut ask = other(move || drop(File::options().write(true).open(&writer).unwrap()));
    Box::new(move || {
        let _lasts = &folder;
        ask();
        format!("{:?}", File::open(&path).map(drop).map_err(|error| error.kind()))
    })
}

fn flock() -> Body {
    // SAFETY: takes numbers.
    let flock = |file: &File, operation| returned(unsafe { libc::flock(file.as_raw_fd(), operation) });
    let folder = TempDir::new().unwrap();
    let open = || File::create(folder.path().join("lock")).unwrap();
    let (ours, theirs) = (open(), open());
    let (send, held) = mpsc::channel();
    let (ask, asked) = mpsc::channel();
    thread::spawn(move || {
        for () in asked {
            flock(&theirs, libc::LOCK_EX);
            send.send(()).unwrap();
            thread::sleep(MOMENT);
            flock(&theirs, libc::LOCK_UN);
        }
    });
    Box::new(move || {
        let _lasts = &folder;
        ask.send(()).unwrap();
        held.recv().unwrap();
        let locked = flock(&ours, libc::LOCK_EX);
        flock(&ours, libc::LOCK_UN);
        locked
    })
}

fn msgrcv() -> Body {
    #[repr(C)]
    struct Message {
        kind: i64,
        text: [u8; 8],
    }
    struct Queue(i32);
    impl Drop for Queue {
        fn drop(&mut self) {
            // SAFETY: the queue is ours; nothing is read or written through the pointer.
            unsafe { libc::msgctl(self.0, libc::IPC_RMID, null_mut()) };
        }
    }
    // SAFETY: takes numbers.
    let queue = Queue(unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) });
    assert!(queue.0 >= 0, "{}", returned(queue.0));
    let to = queue.0;
    let mut ask = other(move || {
        let message = Message { kind: 1, text: [7; 8] };
        // SAFETY: a message is its kind and as many bytes as are given.
        assert_eq!(unsafe { libc::msgsnd(to, (&raw const message).cast(), 8, 0) }, 0);
    });
    Box::new(move || {
        let _lasts = &queue;
        ask();
        let mut message = Message { kind: 0, text: [0; 8] };
        // SAFETY: there is room for the message's kind and eight bytes.
        let received = unsafe { libc::msgrcv(queue.0, (&raw mut message).cast(), 8, 0, 0) };
        if received == 8 { format!("{} {:?}", message.kind, message.text) } else { returned(received as i64) }
    })
}
