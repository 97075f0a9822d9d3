use std::time::Duration;

/// The watched process's time, told between its lines too.
///
/// A line that took long on its way says too early a time, so the line that says the latest one, measured against our
/// own clock, is believed. Recorded lines say nothing of now: a log's time is that of its last line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    latest_ns: u64,
    /// The process's time minus ours; absent when time stands.
    ahead_ns: Option<i128>,
    /// When something last came, on our clock; absent when nothing is expected.
    heard: Option<Duration>,
}

impl Clock {
    /// That of a live process, of which lines are expected from now on.
    pub(crate) fn live() -> Self {
        Self { heard: Some(Duration::ZERO), ..Self::default() }
    }

    /// A line said `at_ns`; a live one was received at `received` on our clock.
    pub(crate) fn hear(&mut self, at_ns: u64, received: Option<Duration>) {
        self.latest_ns = self.latest_ns.max(at_ns);
        let Some(heard) = received else { return };
        let ahead_ns = i128::from(at_ns) - heard.as_nanos() as i128;
        self.ahead_ns = self.ahead_ns.max(Some(ahead_ns));
        self.heard = Some(heard);
    }

    /// Nothing follows: time stands.
    pub(crate) fn stop(&mut self, ours: Duration) {
        self.latest_ns = self.now_ns(ours);
        (self.ahead_ns, self.heard) = (None, None);
    }

    /// Time stands there.
    pub(crate) fn stand(&mut self, at_ns: u64) {
        *self = Self { latest_ns: self.latest_ns.max(at_ns), ..Self::default() };
    }

    /// The latest time that a line told.
    pub(crate) fn latest_ns(&self) -> u64 {
        self.latest_ns
    }

    /// The process's time, in nanoseconds since its start, when our clock says `ours`.
    pub(crate) fn now_ns(&self, ours: Duration) -> u64 {
        let told = self.ahead_ns.map(|ahead_ns| ahead_ns + ours.as_nanos() as i128);
        told.and_then(|now| u64::try_from(now).ok()).unwrap_or(0).max(self.latest_ns)
    }

    /// For how long a live process has said nothing; zero when nothing is expected of it.
    pub(crate) fn silent_for(&self, ours: Duration) -> Duration {
        self.heard.map_or(Duration::ZERO, |heard| ours.saturating_sub(heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn goes_on_between_live_lines() {
        let mut clock = Clock::default();
        clock.hear(10 * SECOND, Some(Duration::from_secs(1)));
        assert_eq!(clock.now_ns(Duration::from_millis(1500)), 10 * SECOND + SECOND / 2);
    }

    #[test]
    fn a_late_line_does_not_set_it_back() {
        let mut clock = Clock::default();
        clock.hear(10 * SECOND, Some(Duration::from_secs(1)));
        clock.hear(10 * SECOND, Some(Duration::from_secs(3)));
        assert_eq!(clock.now_ns(Duration::from_secs(3)), 12 * SECOND);
        assert_eq!(clock.silent_for(Duration::from_secs(4)), Duration::from_secs(1));
    }

    #[test]
    fn a_process_that_never_says_its_time_is_silent_from_the_start() {
        assert_eq!(Clock::live().silent_for(Duration::from_secs(4)), Duration::from_secs(4));
        assert_eq!(Clock::default().silent_for(Duration::from_secs(4)), Duration::ZERO, "a log owes nothing");
    }

    #[test]
    fn stands_in_a_log_and_after_the_end() {
        let mut clock = Clock::default();
        clock.hear(10 * SECOND, None);
        assert_eq!(clock.now_ns(Duration::from_secs(99)), 10 * SECOND);
        clock.hear(11 * SECOND, Some(Duration::from_secs(1)));
        clock.stop(Duration::from_secs(2));
        assert_eq!(clock.now_ns(Duration::from_secs(99)), 12 * SECOND);
        assert_eq!(clock.silent_for(Duration::from_secs(99)), Duration::ZERO);
    }
}
