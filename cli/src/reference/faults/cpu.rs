//! A computation: a password's hash, which is made to be slow.
//!
//! Wrong: it runs on the worker, within one poll, and nothing takes the worker away from it.
//! Cost: a processor is busy either way, but here so is one of the few threads that answer everybody.
//! Cure: hand it to the blocking pool, and no more of it at once than there are processors, for the pool has 512 threads and
//! all would get a share. Or, where it must stay in the task, do it in chunks and let others run between them.

use super::super::answer::{failed, took};
use super::super::state::State;
use super::super::wait::Wait;
use super::processor;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use sha2::digest::Output;
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{spawn_blocking, yield_now};

/// Rounds of a chunk: well below a millisecond's even without optimization, so that it keeps nobody waiting.
const ROUNDS: u32 = 100;
/// Chunks between two looks at the clock, where nobody is to be let in between them.
const CHUNKS: u32 = 20;

/// One place for each computation that may run at once.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/blocking/cpu", get(blocking))
        .route("/fixed/cpu", get(fixed))
        .route("/fixed/cpu-chunks", get(fixed_in_chunks))
}

async fn blocking(Wait(wait): Wait<200>) -> Response {
    black_box(hash_for(wait));
    took("/blocking/cpu", wait)
}

async fn fixed(Wait(wait): Wait<200>) -> Response {
    let place = PLACES.acquire().await.expect("the semaphore is never closed");
    // The place belongs to the computation, which goes on when its client has left.
    let hashed = spawn_blocking(move || (hash_for(wait), place));
    match hashed.await {
        Ok((hash, _)) => {
            black_box(hash);
            took("/fixed/cpu", wait)
        }
        Err(error) => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, &format!("the computation was lost: {error}"))
        }
    }
}

async fn fixed_in_chunks(Wait(wait): Wait<200>) -> Response {
    let (mut hash, mut spent) = (Output::<Sha256>::default(), Duration::ZERO);
    while spent < wait {
        let begun = processor::time();
        chunk(&mut hash);
        // It may be another worker's time from here on.
        spent += processor::time() - begun;
        yield_now().await;
    }
    black_box(hash);
    took("/fixed/cpu-chunks", wait)
}

/// All at once.
fn hash_for(wait: Duration) -> Output<Sha256> {
    let mut hash = Output::<Sha256>::default();
    let end = processor::time() + wait;
    while processor::time() < end {
        for _ in 0..CHUNKS {
            chunk(&mut hash);
        }
    }
    hash
}

/// All on one line, which is where a computing thread is found. Never inlined, so that a stack names it in every build.
#[inline(never)]
fn chunk(hash: &mut Output<Sha256>) {
    *hash = (0..ROUNDS).fold(*hash, |hash, _| Sha256::digest(hash)); // blocks here: cpu
}
