//! Tasks by where they were spawned, and those that do not get on.

use super::{MS, SECOND, Scenario};
use stallscope_wire::{
    Certainty, Failure, Histogram, How, Line, Location, Orphan, Snapshot, Tier, Unpolled, Waits,
};

impl Scenario {
    /// Tasks are spawned from several lines, one of which leaks them.
    pub(crate) fn spawns(mut self) -> Self {
        for _ in 0..2 {
            self = self.quiet(1);
            let now_ns = self.now_ns;
            self.tell(|snapshot| snapshot.locations = locations(now_ns));
        }
        self
    }

    /// Tasks by spawn location are not known to it.
    pub(crate) fn sampled(mut self) -> Self {
        self.header.tier = Tier::Sampled;
        self
    }

    /// For a while more and more tasks are spawned at `src/session.rs:64:9`, and none of them ends.
    pub(crate) fn leaks(mut self, seconds: u64) -> Self {
        self.header.leak_window_ns = 10 * SECOND;
        for second in 0..seconds {
            self = self.quiet(1);
            let spawned = 40 + second * 10;
            let leaking =
                Location { polls: spawned, spawned, ..location("src/session.rs:64:9", self.now_ns) };
            self.tell(|snapshot| snapshot.locations = vec![leaking.clone()]);
        }
        self
    }

    /// A task waits for its first poll, and is not polled.
    pub(crate) fn starves(self, task: u64) -> Self {
        let unpolled = Unpolled {
            at_ns: self.now_ns,
            runtime: 1,
            task,
            spawned_at: "src/mail.rs:51:13".into(),
            waited_ns: 1_400 * MS,
            ongoing: true,
            ..Unpolled::default()
        };
        self.line(Line::Unpolled(unpolled))
    }

    /// A task fails, and nobody sees it.
    pub(crate) fn fails(self, task: u64) -> Self {
        let failure = Failure {
            at_ns: self.now_ns,
            task,
            spawned_at: "src/mail.rs:51:13".into(),
            how: How::Panic,
            message: "no mail server".into(),
            place: Some("src/mail.rs:77:9".into()),
            certainty: Certainty::Exact,
            ..Failure::default()
        };
        self.line(Line::Failure(failure))
    }

    /// A task waits for what cannot come.
    pub(crate) fn loses(self, task: u64) -> Self {
        let orphan = Orphan {
            at_ns: self.now_ns,
            task,
            spawned_at: "src/mail.rs:51:13".into(),
            idle_ns: 5 * SECOND,
            ongoing: true,
            certainty: Certainty::Exact,
            ..Orphan::default()
        };
        self.line(Line::Orphan(orphan))
    }

    /// Changes the latest snapshot.
    fn tell(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let latest = self.lines.iter_mut().rev().find_map(|line| match line {
            Line::Snapshot(snapshot) => Some(snapshot),
            _ => None,
        });
        change(latest.expect("a state was told"));
    }
}

fn location(spawned_at: &str, now_ns: u64) -> Location {
    let seconds = now_ns / SECOND;
    Location {
        spawned_at: spawned_at.into(),
        polls: 100 * seconds,
        total_ns: seconds * MS,
        max_ns: 70_000,
        poll: Histogram {
            buckets: vec![(8_192, 90 * seconds), (16_384, 9 * seconds), (77_936, seconds)],
            max_ns: 70_000,
            sum_ns: seconds * MS,
        },
        spawned: 10,
        first_poll: Waits { count: 10, total_ns: 200_000, max_ns: 90_000 },
        last_poll_ns: Some(now_ns - 2 * MS),
        ..Location::default()
    }
}

fn locations(now_ns: u64) -> Vec<Location> {
    let seconds = now_ns / SECOND;
    vec![
        Location {
            polls: 4_000 * seconds,
            total_ns: 120 * MS * seconds,
            max_ns: 312 * MS,
            spawned: 250 * seconds,
            finished: 250 * seconds - 3,
            schedule: Waits { count: 400, total_ns: 4_000_000, max_ns: 9 * MS },
            self_wakes: 17,
            poll: Histogram {
                buckets: vec![
                    (4_096, 1_000 * seconds),
                    (16_384, 2_900 * seconds),
                    (65_536, 100 * seconds),
                    (2_493_948, 40),
                    (319_229_354, 1),
                ],
                max_ns: 312 * MS,
                sum_ns: 120 * MS * seconds,
            },
            ..location("src/main.rs:20:5", now_ns)
        },
        Location {
            name: Some("session".into()),
            spawned: 1_240,
            last_poll_ns: Some(now_ns - 31 * SECOND),
            ..location("src/session.rs:64:9", now_ns)
        },
        Location {
            spawned: 1,
            ..location(
                "/cargo/registry/src/index.crates.io-19/hyper-util-0.1.20/src/rt/tokio.rs:75:9",
                now_ns,
            )
        },
        Location { spawned_at: "src/report.rs:12:9".into(), finished: 88, ..Location::default() },
    ]
}
