use super::scene::Scene;
use crate::color::Color;
use crate::failure::{Failure, unless_closed};
use crate::report::text::write_findings;
use crate::source::Message;
use stallscope::analysis::{History, findings};
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Collects what the server tells for a time, and prints what was found in it.
pub(super) fn run(scene: &Scene, time: Duration, color: Color) -> Result<ExitCode, Failure> {
    let history = collect(scene, Instant::now() + time)?;
    let findings = findings(&[&history]);
    if findings.is_empty() {
        return Err(Failure::internal(
            "nothing was found, although the server was blocked: try a longer --duration",
        ));
    }
    let stdout = io::stdout();
    unless_closed(write_findings(&mut stdout.lock(), &findings, color.on(&stdout)))?;
    Ok(ExitCode::SUCCESS)
}

fn collect(scene: &Scene, deadline: Instant) -> Result<History, Failure> {
    let source = scene.source();
    let mut history = History::new(source.header.clone());
    while Instant::now() < deadline {
        match source.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Message::Line(line)) => history.apply(*line),
            Err(RecvTimeoutError::Timeout) => break,
            Ok(Message::Failed(error)) => return Err(Failure::internal(error)),
            Ok(Message::Ended(_)) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::internal("the server ended before its time"));
            }
        }
    }
    Ok(history)
}
