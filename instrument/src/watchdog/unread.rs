//! What waits in a runtime's sockets while none of its threads is free to look: in no queue of the runtime's, since only
//! polling its I/O driver would put it there.
//!
//! The driver's descriptors are those that its epoll instance lists in `/proc/self/fdinfo`, see proc_pid_fdinfo(5). They
//! are looked at with poll(2) and getsockopt(2), which change nothing about a socket; nothing is read, accepted, or taken
//! from the epoll instance.

mod sockets;

use crate::clock;
use sockets::{Registered, Tcp, is_socket, poll, registered, tcp, waits_in};
use std::collections::HashMap;

/// The epoll instance of an I/O driver that a thread waits in, if it does.
pub(crate) fn driver_of(tid: i32) -> Option<i32> {
    waits_in(tid).filter(|epoll| registered(*epoll).is_some_and(|found| !found.is_empty()))
}

/// The inodes of the sockets that an I/O driver looks after; none when the descriptor is no epoll instance.
pub(crate) fn sockets_of(driver: i32) -> Option<Vec<u64>> {
    let sockets = registered(driver)?.into_iter().filter(|found| is_socket(found.descriptor, found.inode));
    Some(sockets.map(|found| found.inode).collect())
}

/// A look that takes longer is not done before there is a stall.
const CHEAP_NS: u64 = 1_000_000;
/// The share of the time that looks may take: one in so many.
const SHARE: u64 = 100;
/// The longest time between two tries to find the epoll instance.
const LONGEST_TRY_NS: u64 = 10_000_000_000;
/// The coarsest step of the kernel's clock for sockets.
const CLOCK_STEP_NS: u64 = 10_000_000;

/// The sockets of one runtime's I/O driver.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// The descriptor of the driver's epoll instance, once a thread was seen waiting in it. It stays open, and the same, for
    /// as long as the runtime lives.
    epoll: Option<i32>,
    /// When a thread may be asked again for the epoll instance, and how long not to ask after that.
    try_ns: u64,
    pause_ns: u64,
    /// The time for which no thread has been free, if that is so now.
    stuck: Option<Stuck>,
    /// When the next look may be had, and what the last one took.
    due_ns: u64,
    cost_ns: u64,
}

/// What is known of the time for which no thread has been free.
#[derive(Debug)]
struct Stuck {
    since_ns: u64,
    /// The descriptors that were registered when it began: nobody is free to register more.
    asked: Vec<libc::pollfd>,
    inodes: Vec<u64>,
    /// Those that were found readable, by their place in `asked`.
    readable: HashMap<usize, Kind>,
    /// Sockets and connections that wait, at the last look.
    waiting: u64,
    /// Up to when their waits have been told.
    told_ns: u64,
    looked: bool,
}

/// What a readable descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Something came since nobody has been free.
    Waiting,
    /// A listener: the connections in its queue at the first look, and at the last.
    Listener { first: u64, last: u64 },
    /// What is in it may have been there before, or it is no socket.
    NoVictim,
}

/// What waits, and how much longer altogether since this was told last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) waiting: u64,
    pub(super) delay_ns: u64,
}

impl Unread {
    /// Whether it is time to ask a parked thread for the epoll instance.
    pub(super) fn wants_thread(&self, now_ns: u64) -> bool {
        self.epoll.is_none() && now_ns >= self.try_ns
    }

    /// Asks parked threads of the runtime, one of which waits in its epoll instance, if it has one.
    pub(super) fn ask(&mut self, tids: impl Iterator<Item = i32>, now_ns: u64) {
        let mut tids = tids.peekable();
        if tids.peek().is_none() {
            return;
        }
        self.epoll = tids.find_map(driver_of);
        // A runtime without a driver has none to find.
        self.pause_ns = (self.pause_ns * 2).clamp(CHEAP_NS, LONGEST_TRY_NS);
        self.try_ns = now_ns + self.pause_ns;
    }

    /// A thread is free to look itself.
    pub(super) fn free(&mut self) {
        self.stuck = None;
    }

    /// Looks, where it is time to; none where it cannot be told. No thread has been free since `since_ns`, and with `stall`
    /// that is so for as long as makes a stall.
    pub(super) fn look(&mut self, since_ns: u64, now_ns: u64, stall: bool) -> Option<Found> {
        let epoll = self.epoll?;
        if self.stuck.as_ref().is_some_and(|stuck| stuck.since_ns != since_ns) {
            self.stuck = None;
        }
        let due = now_ns >= self.due_ns && (stall || self.cost_ns < CHEAP_NS);
        if !due {
            return Some(self.stuck.as_mut().map(|stuck| stuck.wait_on(now_ns)).unwrap_or_default());
        }
        let begun_ns = clock::now_ns();
        if self.stuck.is_none() {
            self.stuck = Some(Stuck::new(since_ns, &registered(epoll)?));
        }
        let found = self.stuck.as_mut()?.look(now_ns);
        let ended_ns = clock::now_ns();
        self.cost_ns = ended_ns.saturating_sub(begun_ns);
        self.due_ns = ended_ns + self.cost_ns * SHARE;
        Some(found)
    }
}

impl Stuck {
    fn new(since_ns: u64, registered: &[Registered]) -> Self {
        let asked = |registered: &Registered| libc::pollfd {
            fd: registered.descriptor,
            events: libc::POLLIN,
            revents: 0,
        };
        Self {
            since_ns,
            asked: registered.iter().map(asked).collect(),
            inodes: registered.iter().map(|registered| registered.inode).collect(),
            readable: HashMap::new(),
            waiting: 0,
            told_ns: since_ns,
            looked: false,
        }
    }

    /// What was found waiting waits on.
    fn wait_on(&mut self, now_ns: u64) -> Found {
        let elapsed_ns = now_ns.saturating_sub(self.told_ns);
        self.told_ns = now_ns;
        Found { waiting: self.waiting, delay_ns: self.waiting.saturating_mul(elapsed_ns) }
    }

    fn look(&mut self, now_ns: u64) -> Found {
        let elapsed_ns = now_ns.saturating_sub(std::mem::replace(&mut self.told_ns, now_ns));
        let age_ns = now_ns.saturating_sub(self.since_ns);
        poll(&mut self.asked);
        let mut found = Found::default();
        for (at, asked) in self.asked.iter().enumerate() {
            if asked.revents & libc::POLLIN == 0 {
                self.readable.remove(&at);
                continue;
            }
            let known = self.readable.get(&at).copied();
            let sight = Sight { known, first: !self.looked, age_ns, elapsed_ns };
            let (kind, more) = see(asked.fd, self.inodes[at], sight);
            self.readable.insert(at, kind);
            found.waiting += more.waiting;
            found.delay_ns = found.delay_ns.saturating_add(more.delay_ns);
        }
        self.looked = true;
        self.waiting = found.waiting;
        found
    }
}

/// What is known of a readable descriptor before it is looked at.
#[derive(Debug, Clone, Copy)]
struct Sight {
    known: Option<Kind>,
    /// Nothing was looked at before since nobody is free.
    first: bool,
    /// For how long nobody has been free.
    age_ns: u64,
    /// Since the last look.
    elapsed_ns: u64,
}

/// What waits in a readable descriptor.
fn see(descriptor: i32, inode: u64, sight: Sight) -> (Kind, Found) {
    match sight.known {
        Some(Kind::NoVictim) => (Kind::NoVictim, Found::default()),
        Some(Kind::Waiting) => (Kind::Waiting, Found { waiting: 1, delay_ns: sight.elapsed_ns }),
        Some(Kind::Listener { .. }) => judge(tcp(descriptor), sight),
        // Another thread may have closed it meanwhile, and another file have its number.
        None if !is_socket(descriptor, inode) => (Kind::NoVictim, Found::default()),
        None => judge(tcp(descriptor), sight),
    }
}

/// What waits in a socket that is readable: what has come since nobody is free, and no more than that.
fn judge(tcp: Option<Tcp>, sight: Sight) -> (Kind, Found) {
    match (tcp, sight.known) {
        (Some(Tcp::Listening { queued }), known) => {
            let (first, last) = match known {
                Some(Kind::Listener { first, last }) => (first, last),
                // A queue that nobody takes from may have been full before.
                _ if sight.first => (queued, queued),
                _ => (0, 0),
            };
            let (before, waiting) = (last.saturating_sub(first), queued.saturating_sub(first));
            // They came one after the other.
            let delay_ns = (before + waiting).saturating_mul(sight.elapsed_ns) / 2;
            (Kind::Listener { first, last: queued }, Found { waiting, delay_ns })
        }
        (Some(Tcp::Connected { silent_ns }), _) if silent_ns <= sight.age_ns + CLOCK_STEP_NS => {
            (Kind::Waiting, Found { waiting: 1, delay_ns: silent_ns.min(sight.age_ns) })
        }
        // Such a socket does not tell since when: it waits if it became readable between two looks.
        (None, _) if !sight.first => (Kind::Waiting, Found { waiting: 1, delay_ns: sight.elapsed_ns / 2 }),
        _ => (Kind::NoVictim, Found::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::time::{Duration, Instant};

    const MS: u64 = 1_000_000;

    fn asked(sockets: &[&dyn AsRawFd]) -> Vec<Registered> {
        let registered = |socket: &&dyn AsRawFd| {
            let descriptor = socket.as_raw_fd();
            let link = fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap();
            let inode = link.to_str().unwrap().trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
            Registered { descriptor, inode }
        };
        sockets.iter().map(registered).collect()
    }

    /// Time that no test's own pace can bring out of order.
    fn wait() {
        std::thread::sleep(Duration::from_millis(50));
    }

    fn now_ns(begun: Instant) -> u64 {
        begun.elapsed().as_nanos() as u64
    }

    #[test]
    fn what_came_since_waits_and_what_was_there_before_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (client, listener.accept().unwrap().0)
        };
        let ((mut old, old_server), (mut new, new_server), (_idle, idle_server)) =
            (connect(), connect(), connect());
        let mine = UdpSocket::bind("127.0.0.1:0").unwrap();
        old.write_all(b"long ago").unwrap();
        wait();

        let begun = Instant::now();
        let all = asked(&[&listener, &old_server, &new_server, &idle_server, &mine]);
        let mut stuck = Stuck::new(0, &all);
        new.write_all(b"just now").unwrap();
        wait();
        let first = stuck.look(now_ns(begun));
        assert_eq!(first.waiting, 1, "{stuck:?}");
        assert!(first.delay_ns > 0 && first.delay_ns <= now_ns(begun), "{first:?}");

        let _queued = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"hello", mine.local_addr().unwrap()).unwrap();
        wait();
        let second = stuck.look(now_ns(begun));
        assert_eq!(second.waiting, 3, "the connection, a datagram, and one to be accepted: {stuck:?}");
        assert!(second.delay_ns >= 2 * 50 * MS && second.delay_ns < 3 * now_ns(begun), "{second:?}");
    }

    #[test]
    fn looking_takes_nothing_from_a_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let registered = asked(&[&listener]);
        let mut stuck = Stuck::new(0, &registered);
        (0..3).for_each(|at| assert_eq!(stuck.look(at).waiting, 0));
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"all of it").unwrap();
        drop(client);
        let mut stuck = Stuck::new(0, &asked(&[&server]));
        (1..4).for_each(|at| assert_eq!(stuck.look(at * 1000 * MS).waiting, 1));
        assert_eq!(std::io::read_to_string(&mut server).unwrap(), "all of it");
    }

    #[test]
    fn the_queue_that_a_listener_had_before_is_not_counted() {
        let sight = |known, first| Sight { known, first, age_ns: 100 * MS, elapsed_ns: 10 * MS };
        let (kind, found) = judge(Some(Tcp::Listening { queued: 5 }), sight(None, true));
        assert_eq!(found, Found::default());
        let (_, found) = judge(Some(Tcp::Listening { queued: 7 }), sight(Some(kind), false));
        assert_eq!(found, Found { waiting: 2, delay_ns: 10 * MS });
    }
}
