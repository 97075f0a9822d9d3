//! A file that is read, from a disk that is slow or a share that is far away.
//!
//! Wrong: `std::fs` on the worker. It seems quick while developing, since the page cache answers; that it can take any time
//! is found out in production.
//! Cost: everybody behind this worker waits for the disk.
//! Cure: `tokio::fs`, which does the same on the blocking pool.

use super::super::answer::{failed, took};
use super::super::state::State;
use super::super::wait::Wait;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use std::io::{self, PipeReader, Write};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, thread};

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/file", get(blocking)).route("/fixed/file", get(fixed))
}

async fn blocking(Wait(wait): Wait<150>) -> Response {
    let read = || {
        let file = SlowFile::create(wait)?;
        read(&file)
    };
    answer("/blocking/file", wait, read())
}

async fn fixed(Wait(wait): Wait<150>) -> Response {
    let read = async {
        let file = SlowFile::create(wait)?;
        tokio::fs::read_to_string(&file.path).await
    };
    answer("/fixed/file", wait, read.await)
}

fn read(file: &SlowFile) -> io::Result<String> {
    fs::read_to_string(&file.path) // blocks here: syscall read
}

fn answer(route: &str, wait: Duration, content: io::Result<String>) -> Response {
    match content {
        Ok(_) => took(route, wait),
        Err(error) => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, &format!("cannot read the slow file: {error}"))
        }
    }
}

/// A file whose content is not there yet. A plain one would not do: the page cache answers for it at once. So it is a pipe,
/// opened by its path, that is written to late.
#[derive(Debug)]
struct SlowFile {
    path: String,
    /// Keeps the path alive, and the writer's write from failing.
    _reader: Arc<PipeReader>,
}

impl SlowFile {
    fn create(wait: Duration) -> io::Result<Self> {
        let (reader, mut writer) = io::pipe()?;
        let reader = Arc::new(reader);
        // So does the writer: a reader on the blocking pool may open the path when its request is gone, and would come to
        // whatever has the number then.
        let path_is_alive = Arc::clone(&reader);
        thread::Builder::new().name("slow-file".to_owned()).spawn(move || {
            thread::sleep(wait);
            // A pipe that can be read takes it at once.
            let _ = writer.write_all(b"late\n");
            drop(path_is_alive);
        })?;
        Ok(Self { path: format!("/dev/fd/{}", reader.as_raw_fd()), _reader: reader })
    }
}
