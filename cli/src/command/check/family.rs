//! A command and all that it started, to be ended together.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashMap;
use std::fs;
use std::time::Duration;
use tokio::time::sleep;

/// How often it is looked whether all have ended.
const LOOK: Duration = Duration::from_millis(20);
/// So often those are looked for that were started while the others were killed.
const ROUNDS: usize = 8;

/// Processes by their parents. A group of their own would not do on a terminal: only the foreground group may read it.
#[derive(Debug)]
pub(super) struct Family {
    root: i32,
    /// Pids and when they were started, by which a process is told from a later one with the same pid.
    members: HashMap<i32, u64>,
}

/// What `/proc/PID/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: i32,
    zombie: bool,
    parent: i32,
    group: i32,
    started: u64,
}

impl Family {
    pub(super) fn of(root: Pid) -> Self {
        let mut family = Self { root: root.as_raw_pid(), members: HashMap::new() };
        let root = Process::read(family.root);
        family.members.extend(root.map(|process| (process.pid, process.started)));
        family
    }

    /// Asks all of them to end.
    pub(super) fn terminate(&mut self) {
        self.look();
        self.send(Signal::TERM);
    }

    pub(super) fn kill(&mut self) {
        for _ in 0..ROUNDS {
            self.look();
            if self.members.is_empty() {
                return;
            }
            self.send(Signal::KILL);
        }
    }

    /// Waits until all have ended, and kills those that have not within this time.
    pub(super) async fn end(mut self, within: Duration) {
        let ended = async {
            self.look();
            while !self.members.is_empty() {
                sleep(LOOK).await;
                self.look();
            }
        };
        if tokio::time::timeout(within, ended).await.is_err() {
            self.kill();
        }
    }

    /// Forgets those that have ended, and finds what the others have started. One whose parent ends stays known.
    fn look(&mut self) {
        let living: Vec<_> = processes().filter(|process| !process.zombie).collect();
        let same = |pid: i32, started: u64| living.iter().any(|p| p.pid == pid && p.started == started);
        self.members.retain(|&pid, &mut started| same(pid, started));
        let leads = self.members.contains_key(&self.root);
        loop {
            let known = self.members.len();
            for process in &living {
                let in_group = leads && process.group == self.root;
                if in_group || self.members.contains_key(&process.parent) {
                    self.members.insert(process.pid, process.started);
                }
            }
            if self.members.len() == known {
                return;
            }
        }
    }

    fn send(&self, signal: Signal) {
        for pid in self.members.keys().filter_map(|&pid| Pid::from_raw(pid)) {
            // One that has just ended needs no signal.
            let _ = kill_process(pid, signal);
        }
    }
}

fn processes() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name in parentheses may hold anything, parentheses too.
    fn parse(pid: i32, stat: &str) -> Option<Self> {
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        Some(Self {
            pid,
            zombie: matches!(*fields.first()?, "Z" | "X"),
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_confuse() {
        let stat = "7 (a) Z 1 (b)) S 3 5 5 34816 5 4194304 101 0 0 0 1 2 0 0 20 0 1 0 4711 2500 80";
        let process = Process { pid: 7, zombie: false, parent: 3, group: 5, started: 4711 };
        assert_eq!(Process::parse(7, stat), Some(process));
        assert_eq!(Process::parse(7, "7 (a"), None);
    }
}
