use crate::load::generator::Load;
use crate::load::tally::LATE;
use stallscope_wire::duration::show;
use std::time::Duration;

/// What is told of each distribution.
pub(super) const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

/// A loop that gets to what is due later than this is too busy to measure with; a timer alone is up to two milliseconds late.
const SLOW_LOOP: Duration = Duration::from_millis(10);

impl Load {
    /// Whether anything came back.
    pub(crate) fn any_answer(&self) -> bool {
        self.tally.targets.iter().any(|target| target.answered > 0 || target.held.opened > 0)
    }

    /// Why most of what failed did.
    pub(crate) fn main_failure(&self) -> Option<&str> {
        let worst = self.tally.failures.iter().max_by_key(|(_, count)| *count);
        worst.map(|(why, _)| why.as_str())
    }

    /// What to say when the generator did not keep its own schedule: its figures are then worse than the server.
    pub(crate) fn lag_warning(&self) -> Option<String> {
        let [sends, beats] = [&self.tally.own_lag, &self.tally.loop_lag]
            .map(|lag| Duration::from_nanos(lag.value_at_quantile(0.99)));
        let late = |lag: Duration| show(u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX));
        let what = if sends > LATE {
            format!(
                "1 in 100 requests went out more than {} after their time although a connection was free, \
                 so the corrected latencies are too high",
                late(sends)
            )
        } else if beats > SLOW_LOOP {
            format!(
                "1 in 100 times its own loop got to what was due more than {} too late, so all latencies are too high",
                late(beats)
            )
        } else {
            return None;
        };
        Some(format!("the generator itself was late: {what}; give the machine more air or lower --rate"))
    }
}
