use super::histogram::record;
use super::shared::Shared;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How often the generator looks whether it is late itself.
const BEAT: Duration = Duration::from_millis(10);

/// Measures how late the generator's own loop gets to what is due, for as long as it is polled.
pub(super) async fn measure(shared: &Shared) {
    loop {
        let due = Instant::now() + BEAT;
        sleep_until(due).await;
        record(&mut shared.tally().loop_lag, due.elapsed());
    }
}
