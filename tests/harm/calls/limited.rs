//! Calls that end by themselves, most of them by their own time limit.
//!
//! The kernel counts those of sockets in ticks, of which it makes up for several at once when it was not run itself: they may
//! end early by the clock, and what they return tells alone.
#![expect(unsafe_code, reason = "they are libc's")]

use super::Call;
use super::outcome::{lasting, returned};
use crate::harness::ms;
use std::io::Read;
use std::mem::{MaybeUninit, size_of_val, zeroed};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr::null_mut;
use std::sync::{Condvar, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// The time limit of most calls.
const LIMIT: Duration = ms(6);
pub(super) fn all() -> Vec<Call> {
    let (silent, other_end) = UnixStream::pair().unwrap();
    let mut calls: Vec<Call> = vec![
        (
            "thread::sleep",
            Box::new(|| {
                lasting(LIMIT, || {
                    thread::sleep(LIMIT);
                    String::new()
                })
            }),
        ),
        ("Condvar::wait_timeout", Box::new(condvar)),
        ("mpsc::recv_timeout", Box::new(channel)),
        (
            "thread::park_timeout",
            Box::new(|| {
                lasting(LIMIT, || {
                    thread::park_timeout(LIMIT);
                    String::new()
                })
            }),
        ),
        ("getaddrinfo", Box::new(name)),
        // SAFETY: takes a number.
        ("usleep", Box::new(|| lasting(LIMIT, || returned(unsafe { libc::usleep(6000) })))),
        ("nanosleep", Box::new(nanosleep)),
        ("clock_nanosleep", Box::new(|| clock_nanosleep(0))),
        ("clock_nanosleep until", Box::new(|| clock_nanosleep(libc::TIMER_ABSTIME))),
        ("sem_timedwait", Box::new(sem_timedwait)),
        ("sigtimedwait", Box::new(sigtimedwait)),
        ("timerfd", Box::new(timerfd)),
        ("read of much", read_much()),
        ("getrandom of much", random_much()),
        ("recv with SO_RCVTIMEO", recv()),
        ("read with a timeout", read()),
        ("accept with SO_RCVTIMEO", accept()),
        ("send with SO_SNDTIMEO", send()),
        ("connect with SO_SNDTIMEO", connect()),
    ];
    // SAFETY: takes a number.
    let sleep = || lasting(ms(1000), || returned(unsafe { libc::sleep(1) }));
    calls.extend(
        ["sleep 1", "sleep 2", "sleep 3", "sleep 4", "sleep 5", "sleep 6"]
            .map(|name| (name, Box::new(sleep) as _)),
    );
    let fd = OwnedFd::from(silent);
    calls.push((
        "poll",
        Box::new(move || {
            let _open = &other_end;
            let mut events = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one entry is given, and there is one.
            lasting(LIMIT, || returned(unsafe { libc::poll(&raw mut events, 1, 6) }))
        }),
    ));
    let (silent, other_end) = UnixStream::pair().unwrap();
    calls.push((
        "select",
        Box::new(move || {
            let _open = &other_end;
            let mut limit = libc::timeval { tv_sec: 0, tv_usec: 6000 };
            lasting(LIMIT, || {
                // SAFETY: the set is plain data, and the number of a fresh descriptor is within it.
                returned(unsafe {
                    let mut set: libc::fd_set = zeroed();
                    libc::FD_SET(silent.as_raw_fd(), &raw mut set);
                    libc::select(silent.as_raw_fd() + 1, &raw mut set, null_mut(), null_mut(), &raw mut limit)
                })
            })
        }),
    ));
    // SAFETY: takes a number; what it returns is ours, and checked by the calls on it.
    let epoll = unsafe { OwnedFd::from_raw_fd(libc::epoll_create1(libc::EPOLL_CLOEXEC)) };
    calls.push((
        "epoll_wait",
        Box::new(move || {
            let mut event = libc::epoll_event { events: 0, u64: 0 };
            // SAFETY: there is room for the one event that is asked for.
            lasting(LIMIT, || returned(unsafe { libc::epoll_wait(epoll.as_raw_fd(), &raw mut event, 1, 6) }))
        }),
    ));
    calls
}

fn condvar() -> String {
    let (lock, condvar) = (Mutex::new(()), Condvar::new());
    lasting(LIMIT, || condvar.wait_timeout(lock.lock().unwrap(), LIMIT).unwrap().1.timed_out().to_string())
}

fn channel() -> String {
    let (_sender, receiver) = mpsc::channel::<()>();
    lasting(LIMIT, || format!("{:?}", receiver.recv_timeout(LIMIT)))
}

fn name() -> String {
    format!("{}", ("localhost", 80).to_socket_addrs().unwrap().count() > 0)
}

fn span() -> libc::timespec {
    libc::timespec { tv_sec: 0, tv_nsec: LIMIT.as_nanos() as i64 }
}

/// What a clock will show after the limit.
fn until(clock: libc::clockid_t) -> libc::timespec {
    let mut now = MaybeUninit::uninit();
    // SAFETY: the call fills what it is given.
    let mut until = unsafe {
        assert_eq!(libc::clock_gettime(clock, now.as_mut_ptr()), 0);
        now.assume_init()
    };
    until.tv_nsec += LIMIT.as_nanos() as i64;
    if until.tv_nsec >= 1_000_000_000 {
        until = libc::timespec { tv_sec: until.tv_sec + 1, tv_nsec: until.tv_nsec - 1_000_000_000 };
    }
    until
}

fn nanosleep() -> String {
    let time = span();
    // SAFETY: the time outlives the call.
    lasting(LIMIT, || returned(unsafe { libc::nanosleep(&raw const time, null_mut()) }))
}

fn clock_nanosleep(flags: i32) -> String {
    let clock = libc::CLOCK_MONOTONIC;
    lasting(LIMIT, || {
        let time = if flags == 0 { span() } else { until(clock) };
        // SAFETY: the time outlives the call.
        unsafe { libc::clock_nanosleep(clock, flags, &raw const time, null_mut()) }.to_string()
    })
}

fn sem_timedwait() -> String {
    // SAFETY: the semaphore lives on this stack until nobody waits for it any more, and is not moved meanwhile.
    unsafe {
        let mut semaphore: libc::sem_t = zeroed();
        assert_eq!(libc::sem_init(&raw mut semaphore, 0, 0), 0);
        let until = until(libc::CLOCK_REALTIME);
        returned(libc::sem_timedwait(&raw mut semaphore, &raw const until))
    }
}

fn sigtimedwait() -> String {
    let time = span();
    // SAFETY: the set is plain data that the calls fill before it is read.
    lasting(LIMIT, || unsafe {
        let mut set: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGUSR2);
        returned(libc::sigtimedwait(&raw const set, null_mut(), &raw const time))
    })
}

fn timerfd() -> String {
    // SAFETY: the descriptor is fresh and ours; the times and the buffer outlive the calls on them.
    lasting(LIMIT, || unsafe {
        let timer = OwnedFd::from_raw_fd(libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC));
        let time = libc::itimerspec { it_interval: zeroed(), it_value: span() };
        assert_eq!(libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const time, null_mut()), 0);
        let mut count = [0_u8; 8];
        returned(libc::read(timer.as_raw_fd(), count.as_mut_ptr().cast(), 8) as i64)
    })
}

/// The kernel works through it for some milliseconds, and would stop half-way for a signal.
fn read_much() -> Box<dyn FnMut() -> String + Send> {
    let mut zeros = std::fs::File::open("/dev/zero").unwrap();
    let mut bytes = vec![1; 16 << 20];
    Box::new(move || zeros.read(&mut bytes).map_or_else(|error| error.to_string(), |read| read.to_string()))
}

fn random_much() -> Box<dyn FnMut() -> String + Send> {
    let mut bytes = vec![0_u8; 1 << 20];
    // SAFETY: the length is the buffer's.
    Box::new(move || returned(unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) } as i64))
}

/// Sets the time limit of a socket's receiving or sending calls.
fn limit(socket: &impl AsRawFd, option: i32) {
    let time = libc::timeval { tv_sec: 0, tv_usec: LIMIT.as_micros() as i64 };
    // SAFETY: the length is the value's.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const time).cast(),
            size_of_val(&time) as u32,
        )
    };
    assert_eq!(set, 0);
}

fn recv() -> Box<dyn FnMut() -> String + Send> {
    let (socket, other_end) = UnixStream::pair().unwrap();
    limit(&socket, libc::SO_RCVTIMEO);
    Box::new(move || {
        let (_open, mut byte) = (&other_end, 0_u8);
        // SAFETY: there is room for the one byte that is asked for.
        returned(unsafe { libc::recv(socket.as_raw_fd(), (&raw mut byte).cast(), 1, 0) } as i64)
    })
}

fn read() -> Box<dyn FnMut() -> String + Send> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    Box::new(move || {
        let _open = &listener;
        format!("{:?}", stream.read(&mut [0]).map_err(|error| error.kind()))
    })
}

fn accept() -> Box<dyn FnMut() -> String + Send> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    limit(&listener, libc::SO_RCVTIMEO);
    Box::new(move || {
        // SAFETY: the peer's address is not asked for.
        returned(unsafe { libc::accept(listener.as_raw_fd(), null_mut(), null_mut()) })
    })
}

fn send() -> Box<dyn FnMut() -> String + Send> {
    let (socket, other_end) = UnixStream::pair().unwrap();
    limit(&socket, libc::SO_SNDTIMEO);
    let bytes = vec![0_u8; 1 << 16];
    // SAFETY: the length is the buffer's.
    let send = move |socket: &UnixStream, flags| unsafe {
        libc::send(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) as i64
    };
    while send(&socket, libc::MSG_DONTWAIT) > 0 {}
    Box::new(move || {
        let _open = &other_end;
        returned(send(&socket, 0))
    })
}

fn connect() -> Box<dyn FnMut() -> String + Send> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // SAFETY: takes numbers. From now on there is room for one connection that nobody has accepted.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let waiting = TcpStream::connect(address).unwrap();
    Box::new(move || {
        let _open = (&listener, &waiting);
        // SAFETY: the descriptor is fresh and ours; the address is of the kind that its length says.
        unsafe {
            let socket =
                OwnedFd::from_raw_fd(libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0));
            limit(&socket, libc::SO_SNDTIMEO);
            let mut to: libc::sockaddr_in = zeroed();
            to.sin_family = libc::AF_INET as u16;
            to.sin_port = address.port().to_be();
            to.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
            returned(libc::connect(socket.as_raw_fd(), (&raw const to).cast(), size_of_val(&to) as u32))
        }
    })
}
