use std::time::Duration;

/// The watched process's time, told between its lines too.
///
/// A line that took long on its way says too early a time, so the line that says the latest one, measured against our
/// own clock, is believed. Recorded lines say nothing of now: a log's time is that of its last line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    latest_ns: u64,
    /// The process's time minus ours, and ours when the last line came; absent when time stands.
    running: Option<Running>,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    ahead_ns: i128,
    heard: Duration,
}

impl Clock {
    /// A line said `at_ns`; a live one was received at `received` on our clock.
    pub(crate) fn hear(&mut self, at_ns: u64, received: Option<Duration>) {
        self.latest_ns = self.latest_ns.max(at_ns);
        let Some(heard) = received else { return };
        let ahead_ns = i128::from(at_ns) - heard.as_nanos() as i128;
        let ahead_ns = self.running.map_or(ahead_ns, |running| running.ahead_ns.max(ahead_ns));
        self.running = Some(Running { ahead_ns, heard });
    }

    /// Nothing follows: time stands.
    pub(crate) fn stop(&mut self, ours: Duration) {
        self.latest_ns = self.now_ns(ours);
        self.running = None;
    }

    /// The process's time, in nanoseconds since its start, when our clock says `ours`.
    pub(crate) fn now_ns(&self, ours: Duration) -> u64 {
        let told = self.running.map(|running| running.ahead_ns + ours.as_nanos() as i128);
        told.and_then(|now| u64::try_from(now).ok()).unwrap_or(0).max(self.latest_ns)
    }

    /// For how long a live process has said nothing; zero when nothing is expected of it.
    pub(crate) fn silent_for(&self, ours: Duration) -> Duration {
        self.running.map_or(Duration::ZERO, |running| ours.saturating_sub(running.heard))
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
