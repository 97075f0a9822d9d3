//! Logs in a repository of their own.

use crate::bench::{Bench, MS, end, header, snapshot};
use stallscope_wire::{Allowed, Cause, Frame, Header, Line, Phase, Quality, Stack, Stall, Task};
use std::fs;

/// A repository whose member `shop` has a source file of a hundred lines. Its processes were built in `shop`.
pub(crate) fn repository() -> Bench {
    let bench = Bench::new();
    for folder in [".git", "shop/src"] {
        fs::create_dir_all(bench.path(folder)).expect("a folder");
    }
    bench.file("shop/src/report.rs", source(0).as_bytes())
}

/// A hundred lines, with so many more above them.
pub(crate) fn source(above: usize) -> String {
    let more = (0..above).map(|_| "// one more\n".to_owned());
    more.chain((1..=100).map(|line| format!("    call_{line}();\n"))).collect()
}

/// It was blocked in these lines of `src/report.rs`, in each by a function of its own.
pub(crate) fn blocked_in(bench: &Bench, lines: &[u32]) -> Vec<Line> {
    let Line::Header(header) = header() else { unreachable!() };
    let root = bench.path("shop").display().to_string();
    let mut log = vec![Line::Header(Header { source_root: Some(root), ..header }), snapshot()];
    for (id, line) in lines.iter().enumerate() {
        log.push(Line::Stall(stall(id as u64 + 1, *line)));
    }
    log.push(end());
    log
}

/// It was blocked for so long as in `blocked_in`, and said why it may be.
pub(crate) fn allowed_in(bench: &Bench, line: u32) -> Vec<Line> {
    let mut log = blocked_in(bench, &[line]);
    for told in &mut log {
        if let Line::Stall(stall) = told {
            let at = "src/report.rs:41:9".to_owned();
            let ns = std::mem::take(&mut stall.attributable_ns);
            stall.allowed =
                Some(Allowed { ns, reason: "reads its config once".into(), at, ..Allowed::default() });
        }
    }
    log
}

fn stall(id: u64, line: u32) -> Stall {
    let frame = |function: &str, file: &str, line, user| Frame {
        function: Some(function.into()),
        file: Some(file.into()),
        line: Some(line),
        krate: Some(if user { "shop" } else { "std" }.into()),
        user,
        ..Frame::default()
    };
    let stack = Stack {
        quality: Quality::Exact,
        culprit: Some(1),
        frames: vec![
            frame("std::thread::sleep", "/rustc/59807616e1/library/std/src/thread/mod.rs", 300, false),
            frame(&format!("shop::<[u8; 4] as Render>::go_{line}"), "src/report.rs", line, true),
            frame("shop::serve::{closure#0}", "src/report.rs", 90, true),
        ],
        ..Stack::default()
    };
    let lasted = (300 + u64::from(line)) * MS;
    Stall {
        id,
        phase: Phase::End,
        started_ns: id * 1000 * MS,
        at_ns: (id + 1) * 1000 * MS,
        duration_ns: lasted,
        attributable_ns: lasted,
        cause: Cause::Syscall,
        syscall: Some("clock_nanosleep".into()),
        task: Some(Task { id: 9, spawned_at: "src/report.rs:95:5".into() }),
        stack: Some(stack),
        ..Stall::default()
    }
}
