use stallscope_wire::{Socket, Sockets};
use std::collections::BTreeMap;

/// Listeners that are kept. Of more, those that are gone and never had a long queue are forgotten.
const LIMIT: usize = 1024;

/// How full the accept queue of each listener was, by its address. Of listeners with the same address, the fullest counts.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Queues {
    queues: BTreeMap<String, Queue>,
}

/// One listener's accept queue.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Queue {
    /// Connections that wait, and how many may; 0 where the kernel does not tell.
    pub(in super::super) waiting: u64,
    pub(in super::super) limit: u64,
    /// The most that waited at one time.
    pub(in super::super) most: u64,
    /// It was there at the last look.
    pub(in super::super) open: bool,
    /// The looks in a row at which more than half of the queue was taken, and the first and the last of them.
    looks: u64,
    since_ns: u64,
    last_ns: u64,
    pub(in super::super) backlog: Option<Backlog>,
}

/// A queue that was more than half full at two looks in a row, or full at one.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Backlog {
    /// How often it was so, for how long at most, and for how long altogether.
    pub(in super::super) times: u64,
    pub(in super::super) max_ns: u64,
    pub(in super::super) total_ns: u64,
    /// When it began first, in nanoseconds since the start.
    pub(in super::super) began_ns: u64,
    /// The most that waited, and how many could.
    pub(in super::super) most: u64,
    pub(in super::super) limit: u64,
    /// There was room for no more.
    pub(in super::super) full: bool,
    /// It was so at the last look.
    pub(in super::super) ongoing: bool,
}

impl Queues {
    pub(super) fn look(&mut self, sockets: &Sockets) {
        let mut now: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for listener in sockets.sockets.iter().filter(|socket| is_listener(socket)) {
            let (waiting, limit) = (listener.receive_queue, listener.send_queue);
            let fullest = now.entry(&listener.local).or_insert((waiting, limit));
            // As shares of their limits.
            if u128::from(waiting) * u128::from(fullest.1) > u128::from(fullest.0) * u128::from(limit) {
                *fullest = (waiting, limit);
            }
        }
        for (address, queue) in &mut self.queues {
            queue.open = now.contains_key(&**address);
            if !queue.open {
                queue.take(0, queue.limit, sockets.at_ns);
            }
        }
        if self.queues.len() >= LIMIT {
            self.queues.retain(|_, queue| queue.open || queue.backlog.is_some());
        }
        for (address, (waiting, limit)) in now {
            if self.queues.len() < LIMIT || self.queues.contains_key(address) {
                let queue = self.queues.entry(address.to_owned()).or_default();
                queue.open = true;
                queue.take(waiting, limit, sockets.at_ns);
            }
        }
    }

    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (&str, &Queue)> {
        self.queues.iter().map(|(address, queue)| (&**address, queue))
    }
}

fn is_listener(socket: &Socket) -> bool {
    socket.state == "LISTEN"
}

impl Queue {
    fn take(&mut self, waiting: u64, limit: u64, at_ns: u64) {
        (self.waiting, self.limit, self.most) = (waiting, limit, self.most.max(waiting));
        // A limit that is not told tells nothing.
        let over_half = limit > 0 && waiting > limit / 2;
        if !over_half {
            self.looks = 0;
            self.backlog.iter_mut().for_each(|backlog| backlog.ongoing = false);
            return;
        }
        if self.looks == 0 {
            self.since_ns = at_ns;
        }
        self.looks += 1;
        let full = waiting >= limit;
        if self.looks == 1 && !full {
            return;
        }
        let for_ns = at_ns.saturating_sub(self.since_ns);
        let backlog = self.backlog.get_or_insert(Backlog { began_ns: self.since_ns, ..Backlog::default() });
        if !backlog.ongoing {
            backlog.times += 1;
            backlog.ongoing = true;
            backlog.total_ns = backlog.total_ns.saturating_add(for_ns);
        } else {
            backlog.total_ns = backlog.total_ns.saturating_add(at_ns.saturating_sub(self.last_ns));
        }
        self.last_ns = at_ns;
        backlog.max_ns = backlog.max_ns.max(for_ns);
        backlog.full |= full;
        if waiting >= backlog.most {
            (backlog.most, backlog.limit) = (waiting, limit);
        }
    }
}
