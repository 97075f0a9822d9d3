//! Routes that block the worker they run on.

use super::compute::hash_for;
use super::state::State;
use super::wait::{Wait, failed, took};
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use std::fs;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

/// How late the file's content comes.
const FILE_DELAY: Duration = Duration::from_millis(150);

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/blocking/sleep", get(sleep))
        .route("/blocking/cpu", get(cpu))
        .route("/blocking/file", get(file))
}

async fn sleep(Wait(wait): Wait<250>) -> Response {
    sleep_on_the_event_loop(wait);
    took("/blocking/sleep", wait)
}

#[inline(never)]
fn sleep_on_the_event_loop(wait: Duration) {
    thread::sleep(wait);
}

async fn cpu(Wait(wait): Wait<200>) -> Response {
    hash_for(wait);
    took("/blocking/cpu", wait)
}

async fn file() -> Response {
    match read_on_the_event_loop() {
        Ok(_) => took("/blocking/file", FILE_DELAY),
        Err(error) => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, &format!("cannot read the slow file: {error}"))
        }
    }
}

/// Reads a file whose content is not there yet, as on a disk that is slow or a share that is far away. A plain file would not
/// do: the page cache answers for it at once. So it is a pipe, opened by its path, that is written to late.
#[inline(never)]
fn read_on_the_event_loop() -> io::Result<String> {
    let (reader, mut writer) = io::pipe()?;
    let path = format!("/dev/fd/{}", reader.as_raw_fd());
    thread::Builder::new().name("slow-file".to_owned()).spawn(move || {
        thread::sleep(FILE_DELAY);
        // The reader is held open until the end of its read, so the only failure left is a process that ends.
        let _ = writer.write_all(b"late\n");
    })?;
    let content = fs::read_to_string(path)?;
    drop(reader);
    Ok(content)
}
