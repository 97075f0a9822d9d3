//! Stacks in one line each, with the time that they were blocked: what flame graph tools read.

use crate::failure::clean;
use stallscope::analysis::{Blocked, BlockedStack};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

/// Writes a line for each stack: process, frames from the outermost to the innermost, cause, nanoseconds.
pub(super) fn write(out: &mut impl Write, blocked: &Blocked) -> io::Result<()> {
    lines(blocked).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// The lines. The culprit has its place with it; the sum of their numbers is that of all time that the code answers for, and fits
/// into one number whatever nonsense a log holds.
pub(super) fn lines(blocked: &Blocked) -> Vec<String> {
    let most = u64::MAX / (blocked.stacks.len() as u64).max(1);
    let line =
        |stack: &BlockedStack| format!("{} {}", frames(stack).join(";"), stack.attributable_ns.min(most));
    blocked.stacks.iter().map(line).collect()
}

fn frames(stack: &BlockedStack) -> Vec<String> {
    let name = Path::new(&stack.exe).file_name().map(|name| name.to_string_lossy().into_owned());
    let mut frames =
        vec![frame(name.filter(|name| !name.is_empty()).unwrap_or_else(|| "process".to_owned()))];
    let named = stack.frames.iter().enumerate().map(|(i, known)| match known.place() {
        Some(place) if Some(i) == stack.culprit_frame => frame(format_args!("{known} ({place})")),
        _ => frame(known),
    });
    if stack.frames.is_empty() {
        frames.push(frame(&stack.culprit));
    }
    frames.extend(named.rev());
    // Not a function, and never mistaken for one, nor for a number.
    frames.push(format!("[{}]", frame(&stack.cause)));
    frames
}

/// A name in which nothing ends a frame.
fn frame(name: impl Display) -> String {
    clean(name).replace(';', ":")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use stallscope::analysis::{Frame, History, StallRecord};
    use stallscope_wire::{Cause, Header, Line, Phase, Quality, Stack, Stall};

    /// Three stalls of two places, one of them half the host's, one without a stack, and one that is all the host's.
    pub(in super::super) fn history() -> History {
        let wire = |function: &str, line, user| stallscope_wire::Frame {
            function: Some(function.into()),
            file: Some("src/report.rs".into()),
            line: Some(line),
            user,
            ..stallscope_wire::Frame::default()
        };
        let stack = Stack {
            quality: Quality::Exact,
            culprit: Some(1),
            frames: vec![
                wire("std::thread::sleep", 7, false),
                wire("app::<[u8; 4] as Render>::go", 42, true),
            ],
            ..Stack::default()
        };
        let stall = |id, ns: u64, host: u64, stack: Option<Stack>| Stall {
            id,
            phase: Phase::End,
            started_ns: id * 1_000_000_000,
            duration_ns: ns,
            attributable_ns: ns - host,
            cause: Cause::Syscall,
            syscall: Some("clock_nanosleep".into()),
            stack,
            ..Stall::default()
        };
        let mut history = History::new(Header { exe: "/srv/app".into(), ..Header::default() });
        let host = Stall { cause: Cause::Host, ..stall(4, 900_000_000, 0, Some(stack.clone())) };
        for stall in [
            stall(1, 312_000_001, 0, Some(stack.clone())),
            stall(2, 200_000_000, 100_000_000, Some(stack)),
            Stall { cause: Cause::Cpu, ..stall(3, 150_000_000, 0, None) },
            host,
        ] {
            history.apply(Line::Stall(stall));
        }
        history
    }

    #[test]
    fn each_nanosecond_of_blocked_time_counts_once() {
        let history = history();
        let blocked = Blocked::of(&[&history]);
        let lines = lines(&blocked);
        assert_eq!(
            lines,
            [
                "app;app::<[u8: 4] as Render>::go (src/report.rs:42);std::thread::sleep;[syscall clock_nanosleep] 412000001",
                "app;a place that no stack tells;[cpu] 150000000",
            ]
        );
        let weight = |line: &String| line.rsplit_once(' ').and_then(|(_, ns)| ns.parse::<u64>().ok());
        let sum: u64 = lines.iter().map(|line| weight(line).expect("a number")).sum();
        let stalls: u64 = history.stalls().map(StallRecord::attributable_ns).sum();
        assert_eq!((sum, blocked.total_ns()), (stalls, stalls));
    }

    #[test]
    fn no_name_breaks_a_line() {
        let frames = vec![Frame { function: Some("a;b\nc 12".into()), ..Frame::default() }];
        let stack = BlockedStack { frames, ..BlockedStack::default() };
        assert_eq!(super::frames(&stack).join(";"), "process;a:b\u{fffd}c 12;[]");
    }
}
