use crate::failure::Failure;
use std::process::{Command, Stdio};

/// What a program says on stdout.
///
/// # Errors
/// When it cannot be run, or fails.
pub(in super::super) fn ask(command: &mut Command, what: &str) -> Result<Vec<u8>, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::usage(format_args!("cannot learn {what}: cannot run {name}: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::usage(format_args!("cannot learn {what}: {name} says\n{}", said.trim_end())))
}
