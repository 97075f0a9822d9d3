use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the one who looks on writes when the trials may begin.
pub(crate) const GO: u8 = b'\n';

/// What is told of a trial, one line each on stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cue {
    /// It begins.
    Begin { trial: String, at_ns: u64 },
    /// It blocks now, or loses something, at this line.
    Line { trial: String, at_ns: u64, line: u32, file: String },
    /// It leaves connections at this listener.
    Address { trial: String, at_ns: u64, address: String },
    /// It wants to be stopped for a while, as a machine that is busy elsewhere would.
    Stop { trial: String, at_ns: u64 },
    /// It is over.
    End { trial: String, at_ns: u64 },
    /// It cannot be had on this machine.
    Skip { trial: String, why: String },
    /// All of them are over.
    Over,
}

impl fmt::Display for Cue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { trial, at_ns } => write!(f, "begin {trial} {at_ns}"),
            Self::Line { trial, at_ns, line, file } => write!(f, "line {trial} {at_ns} {line} {file}"),
            Self::Address { trial, at_ns, address } => write!(f, "address {trial} {at_ns} {address}"),
            Self::Stop { trial, at_ns } => write!(f, "stop {trial} {at_ns}"),
            Self::End { trial, at_ns } => write!(f, "end {trial} {at_ns}"),
            Self::Skip { trial, why } => write!(f, "skip {trial} {}", why.replace('\n', " ")),
            Self::Over => f.write_str("over"),
        }
    }
}

impl Cue {
    /// None of what is no cue.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let (trial, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let trial = trial.to_owned();
        if kind == "skip" {
            return Some(Self::Skip { trial, why: rest.to_owned() });
        }
        let (at_ns, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let at_ns = at_ns.parse();
        Some(match kind {
            "over" => Self::Over,
            "begin" => Self::Begin { trial, at_ns: at_ns.ok()? },
            "stop" => Self::Stop { trial, at_ns: at_ns.ok()? },
            "end" => Self::End { trial, at_ns: at_ns.ok()? },
            "address" => Self::Address { trial, at_ns: at_ns.ok()?, address: rest.to_owned() },
            "line" => {
                let (line, file) = rest.split_once(' ')?;
                Self::Line { trial, at_ns: at_ns.ok()?, line: line.parse().ok()?, file: file.to_owned() }
            }
            _ => return None,
        })
    }
}

/// Where a trial tells what it does.
#[derive(Debug, Clone)]
pub(super) struct Stage(pub(super) &'static str);

impl Stage {
    /// This line blocks now.
    pub(super) fn at(&self, file: &str, line: u32) {
        tell(&Cue::Line { trial: self.name(), at_ns: now_ns(), line, file: file.to_owned() });
    }

    /// Connections are left at this listener from now on.
    pub(super) fn at_listener(&self, address: SocketAddr) {
        tell(&Cue::Address { trial: self.name(), at_ns: now_ns(), address: address.to_string() });
    }

    pub(super) fn begin(&self) {
        tell(&Cue::Begin { trial: self.name(), at_ns: now_ns() });
    }

    pub(super) fn stop_me(&self) {
        tell(&Cue::Stop { trial: self.name(), at_ns: now_ns() });
    }

    pub(super) fn end(&self, ran: &io::Result<()>) {
        tell(&match ran {
            Ok(()) => Cue::End { trial: self.name(), at_ns: now_ns() },
            Err(error) => Cue::Skip { trial: self.name(), why: error.to_string() },
        });
    }

    fn name(&self) -> String {
        self.0.to_owned()
    }
}

/// One that nobody reads any more needs no telling: the lifeline ends this process.
pub(super) fn tell(cue: &Cue) {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{cue}").and_then(|()| stdout.flush());
}

/// By the clock that the one who looks on has too.
fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Waits for the word to begin; what comes later on stdin is its end.
pub(super) fn wait_for_go() -> io::Result<()> {
    io::stdin().lock().read_exact(&mut [0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cue_is_read_as_it_is_told() {
        let (trial, at_ns) = ("pipe_read".to_owned(), 7);
        for cue in [
            Cue::Begin { trial: trial.clone(), at_ns },
            Cue::Line { trial: trial.clone(), at_ns, line: 42, file: "a folder/x.rs".to_owned() },
            Cue::Address { trial: trial.clone(), at_ns, address: "127.0.0.1:80".to_owned() },
            Cue::Stop { trial: trial.clone(), at_ns },
            Cue::End { trial: trial.clone(), at_ns },
            Cue::Skip { trial, why: "no loopback device here".to_owned() },
            Cue::Over,
        ] {
            assert_eq!(Cue::parse(&format!("{cue}\n")), Some(cue));
        }
    }

    proptest! {
        #[test]
        fn anything_may_stand_there(line in "\\PC{0,40}") {
            let _ = Cue::parse(&line);
        }
    }
}
