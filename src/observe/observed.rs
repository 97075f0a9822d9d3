use crate::analysis::Finding;
use crate::analysis::limits::{AliveTasks, Conduct, Limits};
use stallscope_wire::{Coverage, Gap};
use std::time::Duration;

/// What [`observe`](super::observe) saw of a scope.
#[derive(Debug)]
#[must_use = "what was seen is to be looked at: call one of its assertions"]
#[non_exhaustive]
pub struct Observed<T> {
    /// What the future was ready with.
    pub output: T,
    conduct: Conduct,
    coverage: Coverage,
}

impl<T> Observed<T> {
    pub(super) fn new(output: T, conduct: Conduct) -> Self {
        let mut coverage = Coverage::whole();
        let gaps = &conduct.gaps;
        let all = [&gaps.stalls, &gaps.lags, &gaps.tasks, &gaps.sockets];
        all.into_iter().flatten().for_each(|gap| coverage.add(gap.clone()));
        Self { output, conduct, coverage }
    }

    /// What blocked in the scope for longer than the runtime's threshold, by line, with cause and stack, the longest first;
    /// without what the host did, and what is only probable.
    #[must_use]
    pub fn stalls(&self) -> Vec<Finding> {
        self.conduct.stalls(0)
    }

    /// What made new work wait for longer than the runtime's lag limit, while the scope ran.
    #[must_use]
    pub fn lags(&self) -> Vec<Finding> {
        self.conduct.lags(0)
    }

    /// The lines that made [watched](crate::watched) futures in the scope none of which was polled.
    #[must_use]
    pub fn never_awaited(&self) -> Vec<Finding> {
        self.conduct.never_awaited()
    }

    /// The tasks that were spawned in the scope and lived on, by spawn location.
    #[must_use]
    pub fn tasks_alive(&self) -> &[AliveTasks] {
        &self.conduct.tasks
    }

    /// The sockets that were opened while the scope ran and stayed open, in words: `TCP 127.0.0.1:8080 (LISTEN)`.
    #[must_use]
    pub fn sockets_open(&self) -> &[String] {
        &self.conduct.sockets
    }

    /// What could not be seen of the scope.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// What the future was ready with.
    #[must_use]
    pub fn into_output(self) -> T {
        self.output
    }

    /// Asserts that nothing blocked in the scope for longer than the runtime's threshold.
    ///
    /// # Panics
    /// When something did, with its line, cause and stack; and where a stall may go unseen, since none can be ruled out there.
    #[track_caller]
    pub fn assert_no_stalls(&self) -> &Self {
        let threshold_ns = self.conduct.history.header().threshold_ns;
        self.assert_stalls(threshold_ns)
    }

    /// Asserts that nothing blocked in the scope for this long, as far as the code answers for it. The runtime must tell of
    /// stalls of that length: [`Config::threshold`](crate::Config::threshold), or the test's own limit.
    ///
    /// # Panics
    /// As [`Observed::assert_no_stalls`] does, and where the runtime's threshold is longer.
    #[track_caller]
    pub fn assert_max_stall(&self, limit: Duration) -> &Self {
        self.assert_stalls(nanos(limit))
    }

    #[track_caller]
    fn assert_stalls(&self, limit_ns: u64) -> &Self {
        let limits = Limits { stall_ns: Some(limit_ns), ..Limits::default() };
        self.assert_within(&limits, "stall", self.conduct.stalls_gap(limit_ns).as_ref())
    }

    /// Asserts that new work did not wait for this long while the scope ran, as far as the code answers for it. The runtime must
    /// tell of waits of that length: [`Config::lag_limit`](crate::Config::lag_limit), or the test's own limit.
    ///
    /// # Panics
    /// When some did, and where it may go unseen.
    #[track_caller]
    pub fn assert_max_lag(&self, limit: Duration) -> &Self {
        let limits = Limits { lag_ns: Some(nanos(limit)), ..Limits::default() };
        self.assert_within(&limits, "lag", self.conduct.lags_gap(nanos(limit)).as_ref())
    }

    /// Asserts that all tasks which were spawned in the scope have ended.
    ///
    /// # Panics
    /// When some live, with their spawn locations; and where not all tasks are seen, since none can be ruled out there.
    #[track_caller]
    pub fn assert_no_leaked_tasks(&self) -> &Self {
        let limits = Limits { leaked_tasks: Some(0), ..Limits::default() };
        self.assert_within(&limits, "leaked task", self.conduct.gaps.tasks.as_ref())
    }

    /// Asserts that all sockets which were opened while the scope ran are closed, as far as the runtime's I/O driver looks after
    /// them.
    ///
    /// # Panics
    /// When some are open, with their addresses; and where they cannot be told.
    #[track_caller]
    pub fn assert_no_leaked_sockets(&self) -> &Self {
        let limits = Limits { leaked_sockets: Some(0), ..Limits::default() };
        self.assert_within(&limits, "leaked socket", self.conduct.gaps.sockets.as_ref())
    }

    /// Asserts that no line of the scope made [watched](crate::watched) futures none of which was polled.
    ///
    /// # Panics
    /// When one did.
    #[track_caller]
    pub fn assert_no_never_awaited(&self) -> &Self {
        let limits = Limits { never_awaited: Some(0), ..Limits::default() };
        self.assert_within(&limits, "future that was never awaited", None)
    }

    #[track_caller]
    fn assert_within(&self, limits: &Limits, what: &str, gap: Option<&Gap>) -> &Self {
        let breaches: Vec<_> = self.conduct.breaches(limits).iter().map(ToString::to_string).collect();
        assert!(breaches.is_empty(), "{}", breaches.join("\n"));
        if let Some(gap) = gap {
            panic!("no {what} was seen, but not seen are {}; cure: {}", gap.what, gap.cure);
        }
        self
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
