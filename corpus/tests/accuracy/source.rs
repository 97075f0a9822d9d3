//! What the cases say of themselves: the line marked `blocks here` and the cause behind it.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

const FOLDER: &str = "src/cases";
const MARK: &str = "// blocks here";

/// A case as its source states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) flavors: Vec<&'static str>,
    /// Variables of its environment.
    pub(crate) environment: Vec<(String, String)>,
    /// None for an innocent one.
    pub(crate) blocks: Option<Blocks>,
    /// Why sampling may not see it.
    pub(crate) unsampled: Option<String>,
}

/// Where and why a case blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// From the workspace's folder, as the compiler is told it.
    pub(crate) file: String,
    pub(crate) line: u32,
    /// The lines of the case's function.
    pub(crate) function: RangeInclusive<u32>,
    /// How often it does.
    pub(crate) times: u64,
    /// Any of these: not every C library enters the same system call.
    pub(crate) causes: Vec<String>,
}

/// All cases, by file.
pub(crate) fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("there are cases").map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &Path| {
        let file = format!("corpus/{FOLDER}/{}", path.file_name().unwrap().to_string_lossy());
        parse(&file, &fs::read_to_string(path).unwrap())
    };
    paths.iter().flat_map(|path| read(path)).collect()
}

fn parse(file: &str, source: &str) -> Vec<Case> {
    let lines: Vec<&str> = source.lines().collect();
    let name = |line: &str| Some(line.strip_prefix("pub(super) async fn ")?.split_once('(')?.0.to_owned());
    let begins = (0..lines.len()).filter_map(|at| Some((at, name(lines[at])?)));
    let case = |(at, name): (usize, String)| {
        let above = lines[..at].iter().rev().take_while(|line| line.starts_with("//"));
        let said: Vec<&str> = above.copied().collect();
        let say = |what: &str| said.iter().find_map(|line| line.strip_prefix(what));
        let ends = lines[at..].iter().position(|line| *line == "}").expect("rustfmt has seen it");
        let function = at as u32 + 1..=(at + ends) as u32 + 1;
        let blocks = function.clone().find_map(|line| {
            mark(lines[line as usize - 1]).map(|(times, causes)| Blocks {
                file: file.to_owned(),
                line,
                function: function.clone(),
                times,
                causes,
            })
        });
        let environment = say("// with ").and_then(|text| text.split_once('='));
        Case {
            flavors: match say("// only on multi_thread") {
                Some(_) => vec!["multi_thread"],
                None => vec!["multi_thread", "current_thread"],
            },
            environment: environment
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            name,
            blocks,
            unsampled: say("// not for sampling: ").map(str::to_owned),
        }
    };
    begins.map(case).collect()
}

/// `// blocks here: CAUSE | CAUSE`, or `// blocks here, N times: …`.
fn mark(text: &str) -> Option<(u64, Vec<String>)> {
    let (_, mark) = text.split_once(MARK)?;
    let (times, causes) = mark.split_once(": ").expect("a mark says the cause");
    let times = times.strip_prefix(", ").and_then(|times| times.strip_suffix(" times"));
    let times = times.map_or(1, |times| times.parse().expect("a number of times"));
    Some((times, causes.split(" | ").map(|cause| with_kind(cause, causes)).collect()))
}

/// `syscall poll | ppoll` says `syscall` once.
fn with_kind(cause: &str, causes: &str) -> String {
    match causes.split_once(' ') {
        Some((kind, _)) if !cause.contains(' ') => format!("{kind} {cause}"),
        _ => cause.to_owned(),
    }
}

#[test]
fn marks_are_read() {
    let source = "\
fn other() {
    f(); // blocks here: lock mutex
}

// with NAME=value
// only on multi_thread: why
pub(super) async fn quiet() {
    g();
}

/// Why.
// not for sampling: so
pub(super) async fn loud() {
    h(); // blocks here, 2 times: syscall poll | ppoll
}
";
    let blocks = Blocks {
        file: "a.rs".into(),
        line: 14,
        function: 13..=15,
        times: 2,
        causes: vec!["syscall poll".into(), "syscall ppoll".into()],
    };
    let quiet = Case {
        name: "quiet".into(),
        flavors: vec!["multi_thread"],
        environment: vec![("NAME".into(), "value".into())],
        blocks: None,
        unsampled: None,
    };
    let flavors = vec!["multi_thread", "current_thread"];
    let (blocks, unsampled) = (Some(blocks), Some("so".into()));
    let loud = Case { name: "loud".into(), flavors, environment: vec![], blocks, unsampled };
    assert_eq!(parse("a.rs", source), [quiet, loud]);
}
