//! Why a command could not do what it was asked.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// An error that ends the command, and the exit code that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The user's input, arguments or configuration are wrong; exit code 2. Say what was wrong, where, and what to do.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 2 }
    }

    /// The input is right and there is nothing in it to judge; exit code 98.
    pub(crate) fn no_data(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 98 }
    }

    /// Something failed that no input explains; exit code 1.
    pub(crate) fn internal(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// Whether the user's input is wrong.
    pub(crate) fn is_usage(&self) -> bool {
        self.code == 2
    }

    /// Both, told together, with the exit code of this one.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self { message: format!("{}\n{}", self.message, other.message), ..self }
    }

    /// Says it on stderr, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let lines: Vec<_> = self.message.split('\n').map(clean).collect();
        say(format_args!("error: {}", lines.join("\n")));
        ExitCode::from(self.code)
    }
}

/// Says a line on stderr, in one piece, since others write there too.
pub(crate) fn say(line: impl Display) {
    // Nothing is left to be told to when stderr is closed.
    let _ = io::Write::write_all(&mut io::stderr(), format!("{line}\n").as_bytes());
}

/// One line of text that does not steer the terminal, whatever a log or a process calls itself: each control character,
/// and each that turns the direction of what follows, is replaced.
pub(crate) fn clean(text: impl Display) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.to_string().replace(steers, "\u{fffd}")
}

/// A reader of our stdout that left (`| head`) is no error: there is nobody to tell. Every other one is.
pub(crate) fn unless_closed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::internal(format_args!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
