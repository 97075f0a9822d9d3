use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::task::{JoinError, spawn_blocking};

/// Rounds between two looks at whether the result is still wanted.
const ROUNDS_AT_ONCE: u32 = 1_000;

/// What a job is to do: hash a text, and the hash again, and so on, as passwords are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) text: String,
    pub(super) rounds: u32,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum Progress {
    Queued,
    Running,
    Done { hash: String },
    Failed,
}

impl Order {
    /// Works it off beside the event loop. If this future is dropped, so is the work, within [`ROUNDS_AT_ONCE`].
    pub(super) async fn work(self) -> Result<String, JoinError> {
        let wanted = Wanted::default();
        let is_wanted = Arc::clone(&wanted.0);
        let hash = spawn_blocking(move || self.hash(&is_wanted)).await?;
        Ok(hash.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes what is written");
            text
        }))
    }

    fn hash(&self, is_wanted: &AtomicBool) -> [u8; 32] {
        let mut hash = Sha256::digest(&self.text);
        let mut left = self.rounds.saturating_sub(1);
        while left > 0 && is_wanted.load(Relaxed) {
            let rounds = left.min(ROUNDS_AT_ONCE);
            hash = (0..rounds).fold(hash, |hash, _| Sha256::digest(hash));
            left -= rounds;
        }
        hash.into()
    }
}

/// True until it is dropped: nothing ends work in the blocking pool from outside, so the work has to ask.
struct Wanted(Arc<AtomicBool>);

impl Default for Wanted {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}
