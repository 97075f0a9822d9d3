//! A journal that is written for good: each entry is on the disk before the next one is written.
//!
//! Wrong: `write_all` and `sync_all` of `std::fs::File` on the worker. The write is quick; the disk is not.
//! Cost: a disk takes milliseconds for it, a busy one hundreds of them, and everybody behind this worker waits for it.
//! Cure: `tokio::fs`, which does the same on the blocking pool.

use super::super::answer::{failed, took};
use super::super::state::State;
use super::super::wait::Wait;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use std::fs::File;
use std::io::{self, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::task::spawn_blocking;

/// Bytes of an entry. Each overwrites the one before, so that the file does not grow.
static ENTRY: [u8; 1 << 20] = [7; 1 << 20];

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/fsync", get(blocking)).route("/fixed/fsync", get(fixed))
}

async fn blocking(Wait(wait): Wait<200>) -> Response {
    let written = journal().and_then(|journal| write(&journal, wait));
    answer("/blocking/fsync", wait, written)
}

async fn fixed(Wait(wait): Wait<200>) -> Response {
    answer("/fixed/fsync", wait, write_elsewhere(wait).await)
}

/// The journal, which is never closed for good: whoever did that would wait for the disk to free what it takes there.
fn journal() -> io::Result<File> {
    static JOURNAL: OnceLock<File> = OnceLock::new();
    match JOURNAL.get() {
        Some(journal) => journal.try_clone(),
        None => {
            let new = tempfile::tempfile()?;
            JOURNAL.get_or_init(|| new).try_clone()
        }
    }
}

/// Writes entries until the time is over.
fn write(journal: &File, wait: Duration) -> io::Result<()> {
    let started = Instant::now();
    while started.elapsed() < wait {
        write_entry(journal)?;
    }
    Ok(())
}

/// Each step may wait for the disk, nearly always the second.
fn write_entry(journal: &File) -> io::Result<()> {
    journal.write_all_at(&ENTRY, 0).and_then(|()| journal.sync_all()) // blocks here: syscall fsync | syscall pwrite64
}

/// The same, except that each step is done on the blocking pool.
async fn write_elsewhere(wait: Duration) -> io::Result<()> {
    let journal = spawn_blocking(journal).await??;
    let mut journal = tokio::fs::File::from_std(journal);
    let started = Instant::now();
    while started.elapsed() < wait {
        journal.seek(SeekFrom::Start(0)).await?;
        journal.write_all(&ENTRY).await?;
        journal.sync_all().await?;
    }
    Ok(())
}

fn answer(route: &str, wait: Duration, written: io::Result<()>) -> Response {
    match written {
        Ok(()) => took(route, wait),
        Err(error) => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, &format!("cannot write the journal: {error}"))
        }
    }
}
