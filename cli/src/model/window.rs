use std::collections::VecDeque;

/// How far back the dashboard looks, in nanoseconds.
pub(crate) const LAST_MINUTE_NS: u64 = 60_000_000_000;
/// States are kept at this pace, which bounds how many.
const PACE_NS: u64 = 1_000_000_000;

/// Earlier states of something cumulative, for as long as the window reaches back.
#[derive(Debug, Clone)]
pub(crate) struct Window<T> {
    states: VecDeque<(u64, T)>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self { states: VecDeque::new() }
    }
}

impl<T> Window<T> {
    /// Keeps the state of time `at_ns`, unless one of the same second is kept already.
    pub(crate) fn keep(&mut self, at_ns: u64, state: impl FnOnce() -> T) {
        if self.states.back().is_some_and(|&(last, _)| at_ns < last.saturating_add(PACE_NS)) {
            return;
        }
        self.states.push_back((at_ns, state()));
        let begin = at_ns.saturating_sub(LAST_MINUTE_NS);
        while self.states.get(1).is_some_and(|&(second, _)| second <= begin) {
            self.states.pop_front();
        }
    }

    /// The state, and its time, that a window of length `reach_ns` before `now_ns` begins with: the last one before
    /// it, else the first one known. None when the window begins before the process did: all of it counts.
    pub(crate) fn baseline(&self, now_ns: u64, reach_ns: u64) -> Option<(u64, &T)> {
        let begin = now_ns.checked_sub(reach_ns)?;
        let before = self.states.iter().rev().find(|&&(at, _)| at <= begin).or_else(|| self.states.front());
        before.filter(|&&(at, _)| at < now_ns).map(|(at, state)| (*at, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_time_that_no_process_reaches_is_one_like_others() {
        let mut window = Window::default();
        for at_ns in [u64::MAX - 1, u64::MAX] {
            window.keep(at_ns, || at_ns);
        }
        assert_eq!(window.baseline(u64::MAX, 1), Some((u64::MAX - 1, &(u64::MAX - 1))));
    }

    #[test]
    fn begins_with_the_last_state_before_it() {
        let mut window = Window::default();
        for second in 0..200 {
            window.keep(second * SECOND, || second);
        }
        assert_eq!(window.baseline(199 * SECOND, LAST_MINUTE_NS), Some((139 * SECOND, &139)));
        assert_eq!(window.baseline(199 * SECOND, 10 * SECOND), Some((189 * SECOND, &189)));
        assert!(window.states.len() <= 62, "{}", window.states.len());
    }

    #[test]
    fn a_young_process_counts_as_a_whole() {
        let mut window = Window::default();
        window.keep(SECOND, || 1);
        assert_eq!(window.baseline(30 * SECOND, LAST_MINUTE_NS), None);
    }

    #[test]
    fn a_late_viewer_begins_with_what_it_saw_first() {
        let mut window = Window::default();
        window.keep(500 * SECOND, || 1);
        assert_eq!(window.baseline(500 * SECOND, LAST_MINUTE_NS), None, "nothing lies between");
        window.keep(505 * SECOND, || 2);
        assert_eq!(window.baseline(505 * SECOND, LAST_MINUTE_NS), Some((500 * SECOND, &1)));
    }
}
