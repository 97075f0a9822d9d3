//! Compares what was found of a case with what its source says.

use crate::build::{Build, Names};
use crate::found::Found;
use crate::source::{Blocks, Case};
use addr2line::Loader;
use stallscope::analysis::{Cause, Finding, History, Rule, Severity, findings};
use stallscope_wire::Stack;

pub(crate) fn compare(build: &Build, case: &Case, history: &History) -> Found {
    assert!(history.complete(), "the log of {} has no end", case.name);
    let found: Vec<Finding> = findings(&[history])
        .into_iter()
        .filter(|finding| finding.rule == Rule::BlockingPoll && finding.severity > Severity::Info)
        .collect();
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let told = told.join("; ");
    let Some(blocks) = &case.blocks else {
        return if found.is_empty() { Found::Silent } else { Found::False(told) };
    };
    // What is only probable fails no gate, and is found all the same.
    let fails = |finding: &&Finding| finding.severity == Severity::Error || finding.doubt().is_some();
    let count: u64 = found.iter().filter(fails).map(|finding| finding.count).sum();
    if let (0, false, Some(why)) = (count, cfg!(tokio_unstable), &case.unsampled) {
        return Found::Unseen(why.clone());
    }
    if count < blocks.times {
        return Found::Missed(format!("{count} of {} found: {told}", blocks.times));
    }
    let place = match build.names {
        Names::Lines => every(&found, |finding| at_line(finding, blocks)),
        Names::Functions => every(&found, |finding| in_function(finding, &case.name, blocks)),
        Names::Offsets => offsets(build, history, blocks),
    };
    let cause = every(&found, |finding| match build.names {
        // Without any names, no stack tells a mutex from a channel.
        Names::Offsets if blocks.causes[0].starts_with("lock ") => finding.cause == Cause::Lock,
        _ => blocks.causes.contains(&finding.cause_in_words()),
    });
    Found::Guilty { place, cause }
}

fn every(found: &[Finding], right: impl Fn(&Finding) -> bool) -> Result<(), String> {
    found.iter().find(|finding| !right(finding)).map_or(Ok(()), |wrong| Err(wrong.to_string()))
}

fn at_line(finding: &Finding, blocks: &Blocks) -> bool {
    let culprit = &finding.culprit;
    culprit.file.as_ref() == Some(&blocks.file) && culprit.line == Some(blocks.line)
}

/// The path of the function that is named holds that of the case: it may be a closure or a type's method in it. Where the
/// task's function has been inlined into the runtime it has no name, and the line in the case that spawned it stands for it.
fn in_function(finding: &Finding, case: &str, blocks: &Blocks) -> bool {
    let culprit = &finding.culprit;
    let spawned_at =
        culprit.spawned_at.as_ref().and_then(|place| place.strip_prefix(&blocks.file)?.split(':').nth(1));
    match (&culprit.function, spawned_at) {
        (Some(function), _) => culprit.line.is_none() && function.split("::").any(|part| part == case),
        (None, Some(line)) => line.parse().is_ok_and(|line| blocks.function.contains(&line)),
        (None, None) => false,
    }
}

/// With the symbols that the binary was stripped of, the innermost of the program's offsets that is the corpus's own code is
/// the marked line.
fn offsets(build: &Build, history: &History, blocks: &Blocks) -> Result<(), String> {
    let symbols = Loader::new(&build.symbols).expect("the build has debug information");
    for record in history.stalls().filter(|record| !record.blames_host()) {
        let stack = record.stall.stack.as_ref().ok_or_else(|| format!("no stack: {record:?}"))?;
        let place = own_line(stack, &symbols, &build.program.to_string_lossy());
        let right =
            place.as_ref().is_some_and(|(file, line)| file.ends_with(&blocks.file) && *line == blocks.line);
        if !right {
            return Err(format!("the offsets lead to {place:?}"));
        }
    }
    Ok(())
}

fn own_line(stack: &Stack, symbols: &Loader, program: &str) -> Option<(String, u32)> {
    let is_programs = |module: Option<u32>| {
        module.and_then(|at| stack.modules.get(at as usize)).is_some_and(|module| module.path == program)
    };
    for frame in stack.frames.iter().filter(|frame| is_programs(frame.module)) {
        assert_eq!(frame.function, None, "a stripped program has no names");
        let mut functions = symbols.find_frames(frame.offset).expect("the debug information can be read");
        while let Some(function) = functions.next().expect("the debug information can be read") {
            let location = function.location.and_then(|location| location.file.zip(location.line));
            if let Some((file, line)) = location.filter(|(file, _)| file.contains("corpus/src/")) {
                return Some((file.to_owned(), line));
            }
        }
    }
    None
}
