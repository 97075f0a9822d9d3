use super::window::{LAST_MINUTE_NS, Window};
use stallscope_wire::{Histogram, LagState};
use std::collections::VecDeque;
use std::sync::Arc;

const SECOND_NS: u64 = 1_000_000_000;
/// Seconds that the chart shows.
pub(crate) const SECONDS: usize = (LAST_MINUTE_NS / SECOND_NS) as usize;

/// What new work waits: now, and over the last minute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lag {
    latest: LagState,
    /// Shared with the copies of it that a tape keeps.
    earlier: Window<Arc<Histogram>>,
    /// The longest wait in each second that any was seen in, the second's number first.
    seconds: VecDeque<(u64, u64)>,
}

/// Figures of some time, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LagFigures {
    pub(crate) p50_ns: u64,
    pub(crate) p99_ns: u64,
    pub(crate) max_ns: u64,
}

impl Lag {
    pub(super) fn apply(&mut self, at_ns: u64, state: &LagState) {
        let longest = state.window_max_ns.max(state.now_ns);
        if let Some(longest) = longest {
            let second = at_ns / SECOND_NS;
            match self.seconds.back_mut() {
                Some((last, max)) if *last >= second => *max = longest.max(*max),
                _ => self.seconds.push_back((second, longest)),
            }
            while self.seconds.len() > SECONDS {
                self.seconds.pop_front();
            }
        }
        self.earlier.keep(at_ns, || Arc::new(state.histogram.clone()));
        self.latest = state.clone();
    }

    /// The last probe's wait.
    pub(crate) fn now_ns(&self) -> Option<u64> {
        self.latest.now_ns
    }

    /// Figures of the last minute, as far as it was seen; none before the first probe.
    pub(crate) fn last_minute(&self, now_ns: u64) -> Option<LagFigures> {
        let all = &self.latest.histogram;
        let recent = self.earlier.baseline(now_ns, LAST_MINUTE_NS).map(|(_, earlier)| all.since(earlier));
        let figures = figures(recent.as_ref().filter(|recent| recent.count() > 0).unwrap_or(all))?;
        // A probe that still waits is counted when it is done, and may be the longest by far.
        Some(LagFigures { max_ns: figures.max_ns.max(self.now_ns().unwrap_or(0)), ..figures })
    }

    /// The longest wait of each of the last [`SECONDS`] seconds, the current one last; none where no probe ran.
    pub(crate) fn series(&self, now_ns: u64) -> [Option<u64>; SECONDS] {
        let mut series = [None; SECONDS];
        let current = now_ns / SECOND_NS;
        for &(second, longest) in &self.seconds {
            let age = current.saturating_sub(second) as usize;
            if age < SECONDS {
                series[SECONDS - 1 - age] = Some(longest);
            }
        }
        series
    }
}

fn figures(histogram: &Histogram) -> Option<LagFigures> {
    (histogram.count() > 0).then(|| LagFigures {
        p50_ns: histogram.quantile(0.5),
        p99_ns: histogram.quantile(0.99),
        max_ns: histogram.max_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(window_max_ns: u64) -> LagState {
        LagState { now_ns: Some(1), window_max_ns: Some(window_max_ns), histogram: Histogram::default() }
    }

    #[test]
    fn the_series_holds_the_longest_wait_of_each_second() {
        let mut lag = Lag::default();
        for (at_ms, wait) in [(1000, 5), (1500, 9), (1900, 7), (3100, 4)] {
            lag.apply(at_ms * 1_000_000, &state(wait));
        }
        let series = lag.series(3_200_000_000);
        assert_eq!(series[SECONDS - 3..], [Some(9), None, Some(4)]);
        assert!(series[..SECONDS - 3].iter().all(Option::is_none));
    }

    #[test]
    fn the_series_moves_on_without_new_lines() {
        let mut lag = Lag::default();
        lag.apply(1_000_000_000, &state(5));
        assert_eq!(lag.series(11_000_000_000)[SECONDS - 11], Some(5));
        assert_eq!(lag.series(100_000_000_000), [None; SECONDS]);
    }

    #[test]
    fn a_long_run_keeps_no_more_than_a_minute() {
        let mut lag = Lag::default();
        for second in 0..500 {
            lag.apply(second * SECOND_NS, &state(second));
        }
        assert_eq!(lag.seconds.len(), SECONDS);
        assert_eq!(lag.series(499 * SECOND_NS)[0], Some(440));
    }
}
