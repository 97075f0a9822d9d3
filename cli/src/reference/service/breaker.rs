use crate::reference::client::{AskError, Client};
use backon::{ExponentialBuilder, Retryable};
use serde_json::Value;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use tower_resilience_circuitbreaker::{
    CircuitBreakerError, CircuitBreakerHandle, CircuitBreakerLayer, CircuitState,
};

/// Failures one after the other that it takes to leave the upstream alone. More than one request makes with its retries: bad luck
/// of one is no reason.
const FAILURES: usize = 6;
/// How long a failing upstream is left alone, before one request tries whether it is back.
const PAUSE: Duration = Duration::from_secs(1);
/// Retries of one request, and the first and longest wait before one. With jitter, since those who failed together would come
/// back together.
const RETRIES: usize = 3;
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

pub(super) type BreakerError = CircuitBreakerError<AskError>;

/// Asks an upstream that fails now and then: again after a wait if once was not enough, and not at all while it fails always.
pub(super) struct Breaker {
    /// Takes the path.
    service: BoxCloneSyncService<String, Value, BreakerError>,
    handle: CircuitBreakerHandle,
}

impl Breaker {
    pub(super) fn around(client: Client) -> Self {
        let (layer, handle) = CircuitBreakerLayer::builder()
            .name("upstream")
            .consecutive_failures(FAILURES)
            .wait_duration_in_open(PAUSE)
            .permitted_calls_in_half_open(1)
            .on_state_transition(|from, to| {
                tracing::warn!("the upstream's breaker was {from:?} and is {to:?}");
            })
            .build_with_handle()
            .expect("these figures fit together");
        let ask = tower::service_fn(move |path: String| {
            let client = client.clone();
            async move { client.get(&path).await }
        });
        Self { service: BoxCloneSyncService::new(layer.layer_fn(ask)), handle }
    }

    /// Gets what the upstream has at a path, and says how often it was asked for it.
    ///
    /// Each attempt counts for the breaker by itself, and once that is open no retry is made: retries must not be what keeps an
    /// upstream down.
    pub(super) async fn get(&self, path: &str) -> (u32, Result<Value, BreakerError>) {
        let attempts = AtomicU32::new(0);
        let ask = || {
            attempts.fetch_add(1, Relaxed);
            self.service.clone().oneshot(path.to_owned())
        };
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(RETRIES)
            .with_jitter();
        let outcome = ask.retry(waits).when(|error| !error.is_circuit_open()).await;
        (attempts.load(Relaxed), outcome)
    }

    pub(super) fn state(&self) -> &'static str {
        match self.handle.state() {
            CircuitState::Closed => "closed",
            CircuitState::Open => "open",
            CircuitState::HalfOpen => "half-open",
        }
    }

    /// When a client that was refused may come again.
    pub(super) async fn pause(&self) -> Duration {
        PAUSE.saturating_sub(self.handle.metrics().await.time_since_state_change)
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("state", &self.state()).finish_non_exhaustive()
    }
}
