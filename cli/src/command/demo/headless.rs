use super::pictures::Pictures;
use super::play::Turn;
use super::scenario::Scenario;
use super::scene::Scene;
use crate::color::Color;
use crate::failure::{Failure, unless_closed};
use crate::report::Style;
use crate::report::text::write_findings;
use crate::source::Message;
use stallscope::analysis::{Finding, History, Severity, findings};
use stallscope_wire::duration::show;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How soon the end of the story is noticed.
const END_CHECK: Duration = Duration::from_millis(100);
/// How long the server is listened to after the story: what happened last is told in its next snapshot.
const LAST_WORDS: Duration = Duration::from_millis(1500);

/// Collects what the server tells while the story is played, and prints what was found in it.
pub(super) fn run(
    scene: &Scene,
    scenario: Scenario,
    pictures: Option<&Path>,
    color: Color,
) -> Result<ExitCode, Failure> {
    let mut pictures = pictures.map(|folder| Pictures::new(folder, scene.source())).transpose()?;
    let history = collect(scene, pictures.as_mut())?;
    let findings = findings(&[&history]);
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if scenario.is_faulty() && errors == 0 {
        return Err(Failure::internal(
            "nothing was found, although the server has a fault: try a longer --duration",
        ));
    }
    let stdout = io::stdout();
    unless_closed(write(&mut stdout.lock(), &findings, errors, color.on(&stdout)))?;
    pictures.map_or(Ok(()), Pictures::write)?;
    if !scenario.is_faulty() && errors > 0 {
        return Err(Failure::internal(
            "something was found where nothing should be: the server blocks there too, or Stallscope is wrong",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(out: &mut impl Write, findings: &[Finding], errors: usize, color: bool) -> io::Result<()> {
    if errors == 0 {
        let beside = if findings.is_empty() { "" } else { "; what the busy machine did beside it:\n" };
        writeln!(out, "nothing found: no line blocked the event loop, and nothing leaked{beside}")?;
    }
    write_findings(out, findings, &Style { color, ..Style::default() })
}

/// Tells how the story goes.
pub(super) fn tell(turn: &Turn<'_>) {
    // Talk, not data: nothing depends on it.
    let _ = match turn {
        Turn::Begins(phase, lasts) => {
            // Whole milliseconds, since nothing finer is meant.
            let nanos = u64::try_from(lasts.as_millis() * 1_000_000).unwrap_or(u64::MAX);
            write!(io::stderr(), "{:>6}  {:6} {}", phase.name, show(nanos).to_string(), phase.about)
        }
        Turn::Over(Some(p99)) => writeln!(io::stderr(), " · GET / answered in {} at p99", show(*p99)),
        Turn::Over(None) => writeln!(io::stderr()),
    };
}

fn collect(scene: &Scene, mut pictures: Option<&mut Pictures>) -> Result<History, Failure> {
    let source = scene.source();
    let mut history = History::new(source.header.clone());
    let mut until = None;
    while until.is_none_or(|until| Instant::now() < until) {
        match source.messages.recv_timeout(END_CHECK) {
            Ok(Message::Line(line, _)) => {
                if let Some(pictures) = &mut pictures {
                    pictures.apply(&line);
                }
                history.apply(*line);
            }
            Err(RecvTimeoutError::Timeout) => pictures.as_mut().map_or(Ok(()), |pictures| pictures.look())?,
            Ok(Message::Failed(error)) => return Err(Failure::internal(error)),
            Ok(Message::Ended(_)) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::internal("the server ended before its time"));
            }
        }
        if until.is_none() && scene.play().over().map_err(Failure::internal)? {
            until = Some(Instant::now() + LAST_WORDS);
        }
    }
    Ok(history)
}
