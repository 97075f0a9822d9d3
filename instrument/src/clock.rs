//! Time: a tick counter cheap enough for every poll, and the one place that turns it into nanoseconds and wall time.

use std::cell::Cell;
use std::sync::OnceLock;
#[cfg(feature = "http")]
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::Release};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds per tick as a 32.32 fixed-point number; 0 until calibrated.
static SCALE: AtomicU64 = AtomicU64::new(0);
/// What the counter stood at when the clock was started.
static FIRST: AtomicU64 = AtomicU64::new(0);
static EPOCH: OnceLock<Epoch> = OnceLock::new();

#[derive(Debug)]
struct Epoch {
    instant: Instant,
    unix_ns: u64,
}

fn epoch() -> &'static Epoch {
    EPOCH.get_or_init(|| Epoch {
        instant: Instant::now(),
        unix_ns: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64),
    })
}

/// Starts the clock: chooses the counter and fixes the start. Called once, before anything is recorded.
pub(crate) fn start() {
    counter::choose();
    epoch();
    // Release: who sees it reads the counter that was chosen.
    FIRST.store(ticks().max(1), Release);
}

/// Whether the clock was started.
#[cfg(feature = "http")]
pub(crate) fn is_started() -> bool {
    FIRST.load(Acquire) != 0
}

/// Nanoseconds since the instrument started, on the monotonic clock.
pub(crate) fn now_ns() -> u64 {
    epoch().instant.elapsed().as_nanos() as u64
}

/// The wall-clock time of the start, in nanoseconds since the Unix epoch.
pub(crate) fn started_unix_ns() -> u64 {
    epoch().unix_ns
}

/// A number that grows at a constant rate. Never 0.
#[inline]
pub(crate) fn ticks() -> u64 {
    counter::read() | 1
}

/// The tick of a clock that may stand still for longer than a poll takes: later than any that the thread was told before,
/// since two records of a cell never begin at one tick.
fn unrepeated(now_ns: u64) -> u64 {
    thread_local! {
        static LAST: Cell<u64> = const { Cell::new(0) };
    }
    let tick = (now_ns | 1).max(LAST.get() + 2);
    LAST.set(tick);
    tick
}

/// Ticks as nanoseconds; 0 before [`calibrate`].
pub(crate) fn ticks_to_ns(ticks: u64) -> u64 {
    ((u128::from(ticks) * u128::from(SCALE.load(Relaxed))) >> 32) as u64
}

/// Ticks as nanoseconds, and before [`calibrate`] by the rate of the counter since the start, which may be off by a percent.
#[cfg(feature = "http")]
pub(crate) fn span_ns(ticks: u64) -> u64 {
    if SCALE.load(Relaxed) != 0 {
        return ticks_to_ns(ticks);
    }
    let passed = self::ticks().saturating_sub(FIRST.load(Relaxed)).max(1);
    u64::try_from(u128::from(ticks) * u128::from(now_ns()) / u128::from(passed)).unwrap_or(u64::MAX)
}

/// Nanoseconds as ticks; before [`calibrate`] too few: as of a counter at 1 GHz, and none is known that is slower.
pub(crate) fn ns_to_ticks(ns: u64) -> u64 {
    match SCALE.load(Relaxed) {
        0 => ns,
        scale => u64::try_from((u128::from(ns) << 32) / u128::from(scale)).unwrap_or(u64::MAX),
    }
}

/// Nanoseconds since the start at which the counter stood at `tick`.
pub(crate) fn tick_to_at_ns(tick: u64) -> u64 {
    let (now, now_ns) = together();
    now_ns.saturating_sub(ticks_to_ns(now.saturating_sub(tick)))
}

/// The counter and the clock, read again when much time has passed between the two: whoever reads was not run meanwhile.
fn together() -> (u64, u64) {
    const CLOSE_NS: u64 = 100_000;
    let read = || (ticks(), now_ns(), ticks());
    let mut pair = read();
    for _ in 0..3 {
        if ticks_to_ns(pair.2.saturating_sub(pair.0)) <= CLOSE_NS {
            break;
        }
        pair = read();
    }
    (pair.0, pair.1)
}

/// Measures the counter's rate against the monotonic clock. Takes 10 ms; only the watchdog calls it, before it judges
/// anything. The rate is never changed afterwards, since a histogram's bounds must not move.
pub(crate) fn calibrate() {
    let first = pair();
    std::thread::sleep(Duration::from_millis(10));
    let last = pair();
    let (ticks, ns) = (last.0.saturating_sub(first.0).max(1), last.1.saturating_sub(first.1));
    SCALE.store(((u128::from(ns) << 32) / u128::from(ticks)) as u64, Relaxed);
}

/// The counter and the clock read together: the closest of several tries, so that being descheduled between does no harm.
fn pair() -> (u64, u64) {
    let tries = (0..16).map(|_| {
        let before = ticks();
        let ns = now_ns();
        let after = ticks();
        (after.saturating_sub(before), (before / 2 + after / 2, ns))
    });
    tries.min_by_key(|(width, _)| *width).map_or((0, 0), |(_, pair)| pair)
}

#[cfg(target_arch = "x86_64")]
mod counter {
    use std::arch::x86_64::_rdtsc;
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    static TRUSTED: AtomicBool = AtomicBool::new(false);

    /// Finds out whether the time-stamp counter runs at one rate on all processors: the processor says so, and the
    /// kernel, which tests it, keeps its own time by it.
    pub(super) fn choose() {
        let invariant = fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| {
            let flags = text.lines().find(|line| line.starts_with("flags"));
            flags.is_some_and(|flags| flags.split_ascii_whitespace().any(|flag| flag == "nonstop_tsc"))
        });
        let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        let kept = fs::read_to_string(source)
            .is_ok_and(|name| matches!(name.trim(), "tsc" | "kvm-clock" | "hyperv_clocksource_tsc_page"));
        TRUSTED.store(invariant && kept, Relaxed);
    }

    #[inline]
    pub(super) fn read() -> u64 {
        if TRUSTED.load(Relaxed) {
            #[expect(unsafe_code, reason = "the counter has no safe form in the standard library")]
            // SAFETY: every x86_64 processor has RDTSC; user space may run it unless the kernel forbids it with
            // CR4.TSD, which Linux does only for a process that asked for PR_TSC_SIGSEGV.
            unsafe {
                _rdtsc()
            }
        } else {
            super::unrepeated(super::now_ns())
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod counter {
    pub(super) fn choose() {}

    pub(super) fn read() -> u64 {
        super::unrepeated(super::now_ns())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_still_gives_each_look_its_own_tick() {
        let ticks = [500, 500, 501, 502, 900].map(unrepeated);
        assert_eq!(ticks, [501, 503, 505, 507, 901]);
    }

    #[test]
    fn ticks_measure_the_monotonic_clock() {
        start();
        calibrate();
        let (tick, ns) = (ticks(), now_ns());
        std::thread::sleep(Duration::from_millis(20));
        let (by_ticks, by_clock) = (ticks_to_ns(ticks() - tick), now_ns() - ns);
        assert!(
            by_ticks.abs_diff(by_clock) < by_clock / 2,
            "{by_ticks} ns by ticks, {by_clock} ns by the clock"
        );
        assert!(ticks_to_ns(ns_to_ticks(1_000_000)).abs_diff(1_000_000) < 1_000);
    }
}
