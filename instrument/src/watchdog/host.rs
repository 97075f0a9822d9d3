//! What the machine took from the process as a whole: processor time stolen by the hypervisor, and time in which the quota
//! of a control group kept the process from running.

use crate::clock;
use crate::files::read_from_start;
use std::cell::RefCell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A reading that is no older than this is as good as a new one.
const FRESH_NS: u64 = 5_000_000;
/// While anything is polled a reading is no older than this, so that a stall that is seen late has one from before it.
const KEPT_NS: u64 = 1_000_000_000;
/// Levels of control groups, from the process's own outwards.
const LEVELS: usize = 8;
/// The kernel counts processor time for everybody in hundredths of a second (`USER_HZ`).
const TICK_NS: u64 = 10_000_000;

/// A reading of the machine's counters: totals, of which the difference of two is a window.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    at_ns: u64,
    /// Taken by the hypervisor, of each processor, in nanoseconds.
    stolen_ns: Vec<u64>,
    /// Kept from running by a quota, at each level, in nanoseconds.
    throttled_ns: Vec<u64>,
}

impl Reading {
    /// The most that was stolen from any one processor since then: no thread is on two at a time, though it may have been
    /// on another one.
    pub(super) fn stolen_since(&self, earlier: &Self) -> u64 {
        most(&self.stolen_ns, &earlier.stolen_ns)
    }

    /// For how long at most a quota kept a thread from running since then.
    pub(super) fn throttled_since(&self, earlier: &Self) -> u64 {
        most(&self.throttled_ns, &earlier.throttled_ns)
    }
}

fn most(now: &[u64], before: &[u64]) -> u64 {
    now.iter().zip(before).map(|(now, before)| now.saturating_sub(*before)).max().unwrap_or(0)
}

/// Reads the machine's counters; the files are kept open.
#[derive(Debug)]
pub(super) struct Host {
    processors: Option<File>,
    /// Of the process's control group, and of those around it.
    groups: Vec<File>,
    last: RefCell<Rc<Reading>>,
}

impl Host {
    pub(super) fn new() -> Self {
        let groups =
            group_folders().into_iter().filter_map(|folder| File::open(folder.join("cpu.stat")).ok());
        let counts = |file: &File| throttled(&text(file)).is_some();
        let host = Self {
            processors: File::open("/proc/stat").ok(),
            groups: groups.filter(counts).take(LEVELS).collect(),
            last: RefCell::default(),
        };
        host.read();
        host
    }

    /// The counters now.
    pub(super) fn now(&self) -> Rc<Reading> {
        self.no_older_than(FRESH_NS)
    }

    /// What they were at the last reading.
    pub(super) fn before(&self) -> Rc<Reading> {
        Rc::clone(&self.last.borrow())
    }

    /// Reads them, if it is long since they were read.
    pub(super) fn keep(&self) {
        self.no_older_than(KEPT_NS);
    }

    fn no_older_than(&self, age_ns: u64) -> Rc<Reading> {
        if clock::now_ns().saturating_sub(self.last.borrow().at_ns) > age_ns {
            self.read();
        }
        self.before()
    }

    fn read(&self) {
        let reading = Reading {
            at_ns: clock::now_ns(),
            stolen_ns: self.processors.as_ref().map(|file| stolen(&text(file))).unwrap_or_default(),
            throttled_ns: self.groups.iter().map(|file| throttled(&text(file)).unwrap_or(0)).collect(),
        };
        *self.last.borrow_mut() = Rc::new(reading);
    }
}

/// The beginning of a file, which is all that is wanted of it.
fn text(file: &File) -> String {
    let mut buffer = vec![0; 64 << 10];
    let length = read_from_start(file, &mut buffer).unwrap_or(0);
    buffer.truncate(length);
    String::from_utf8(buffer).unwrap_or_default()
}

/// Of each processor: `cpu0 user nice system idle iowait irq softirq steal guest guest_nice`, see proc_stat(5).
fn stolen(stat: &str) -> Vec<u64> {
    let of_one = |row: &&str| row.starts_with("cpu") && !row.starts_with("cpu ");
    let steal = |row: &str| row.split_ascii_whitespace().nth(8)?.parse::<u64>().ok();
    let rows = stat.lines().skip_while(|row| row.starts_with("cpu ")).take_while(of_one);
    rows.map(|row| steal(row).unwrap_or(0).saturating_mul(TICK_NS)).collect()
}

/// `throttled_usec`, or `throttled_time` in nanoseconds in version 1; none where the group has no quota to be counted.
fn throttled(stat: &str) -> Option<u64> {
    stat.lines().find_map(|row| match row.split_once(' ')? {
        ("throttled_usec", micros) => Some(micros.trim().parse::<u64>().ok()?.saturating_mul(1_000)),
        ("throttled_time", nanos) => nanos.trim().parse().ok(),
        _ => None,
    })
}

/// The folders of the control groups that may hold a quota for the process, its own first.
fn group_folders() -> Vec<PathBuf> {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    folders(&read("cgroup"), &read("mountinfo"))
}

/// From the process's groups, `ID:CONTROLLERS:PATH` (see cgroups(7)), and what is mounted where (proc_pid_mountinfo(5)).
fn folders(groups: &str, mounts: &str) -> Vec<PathBuf> {
    let group = |wanted: fn(&str) -> bool| {
        let rows = groups.lines().filter_map(|row| row.split_once(':')?.1.split_once(':'));
        rows.filter(|(controllers, _)| wanted(controllers)).map(|(_, path)| path).next()
    };
    let is_cpu = |controllers: &str| controllers.split(',').any(|name| name == "cpu");
    let mount = |wanted: &dyn Fn(&str, &str) -> bool| {
        mounts.lines().find_map(|row| {
            let (mount, kind) = row.split_once(" - ")?;
            let mut kind = kind.split(' ');
            let (name, options) = (kind.next()?, kind.nth(1).unwrap_or(""));
            let mut words = mount.split(' ').skip(3);
            let (root, point) = (words.next()?, words.next()?);
            wanted(name, options).then_some((root, point))
        })
    };
    let first = group(|controllers| controllers.split(',').any(|name| name == "cpu"))
        .zip(mount(&|name, options| name == "cgroup" && is_cpu(options)));
    let second = group(str::is_empty).zip(mount(&|name, _| name == "cgroup2"));
    let found = first.into_iter().chain(second);
    found.flat_map(|(path, (root, point))| levels(path, root, point)).collect()
}

/// The folders from a group's own up to the mount point. A mount may show only what is below some group, its root.
fn levels(path: &str, root: &str, point: &str) -> Vec<PathBuf> {
    let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
    let point = Path::new(point);
    point.join(below).ancestors().take_while(|folder| folder.starts_with(point)).map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_stolen_of_each_processor() {
        let stat = "cpu  29871 0 12922 120563 436 0 54 36 0 0\n\
            cpu0 14529 0 6319 60920 144 0 8 18 0 0\n\
            cpu1 15341 0 6603 59642 292 0 46 17 0 0\n\
            intr 1158423 0 0\nctxt 2343\n";
        assert_eq!(stolen(stat), [180_000_000, 170_000_000]);
        assert_eq!(stolen("cpu  1 2\ncpu0 1 2\n"), [0], "a kernel that does not count it");
        assert!(stolen("").is_empty());
    }

    #[test]
    fn reads_both_versions_of_a_groups_counters() {
        let second = "usage_usec 638746492\nuser_usec 470370708\nsystem_usec 168375784\nnice_usec 0\n\
            core_sched.force_idle_usec 0\nnr_periods 12\nnr_throttled 3\nthrottled_usec 95120\n\
            nr_bursts 0\nburst_usec 0\n";
        assert_eq!(throttled(second), Some(95_120_000));
        let first = "nr_periods 12\nnr_throttled 3\nthrottled_time 95120345\nnr_bursts 0\nburst_time 0\n";
        assert_eq!(throttled(first), Some(95_120_345));
        assert_eq!(throttled("usage_usec 1\nuser_usec 1\n"), None, "no quota is counted here");
    }

    #[test]
    fn finds_the_groups_of_either_version() {
        let unified = "29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = folders("0::/system.slice/app.service\n", unified);
        let expected =
            ["/sys/fs/cgroup/system.slice/app.service", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"];
        assert_eq!(found, expected.map(PathBuf::from));

        let hybrid = "32 31 0:29 /docker/1 /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let found = folders("2:cpuacct,cpu:/docker/1/job\n1:cpuset:/\n0::/\n", hybrid);
        let expected =
            ["/sys/fs/cgroup/cpu,cpuacct/job", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/unified"];
        assert_eq!(found, expected.map(PathBuf::from));
        assert_eq!(folders("", ""), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_group_of_which_a_mount_shows_only_a_part_is_found_at_its_root() {
        assert_eq!(levels("/", "/docker/1", "/sys/fs/cgroup"), [PathBuf::from("/sys/fs/cgroup")]);
    }

    #[test]
    fn the_most_of_any_processor_counts() {
        let reading = |stolen: &[u64]| Reading { stolen_ns: stolen.to_vec(), ..Reading::default() };
        assert_eq!(reading(&[30, 50]).stolen_since(&reading(&[10, 45])), 20);
        assert_eq!(reading(&[30]).stolen_since(&reading(&[])), 0, "a processor that came since");
    }

    #[test]
    fn counters_only_grow() {
        let host = Host::new();
        let before = host.now();
        host.read();
        let now = host.now();
        assert!(now.at_ns >= before.at_ns);
        assert!(now.stolen_ns.iter().zip(&before.stolen_ns).all(|(now, before)| now >= before));
    }
}
