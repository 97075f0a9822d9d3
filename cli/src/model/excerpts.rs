use super::process::Process;
use stallscope::analysis::Finding;
use std::collections::VecDeque;
use std::fmt;

/// Excerpts that are kept; of more, those that were read first are read anew when they are looked at again.
const LIMIT: usize = 64;
/// Lines before and after the one that matters.
pub(crate) const AROUND: u32 = 12;

/// A line of source code, and what there is to find its file by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SourcePlace {
    /// As recorded: absolute, or relative to where the program was built.
    pub(crate) file: String,
    pub(crate) line: u32,
    /// Where relative paths start, where the process told.
    pub(crate) root: Option<String>,
    /// The process, while it runs.
    pub(crate) pid: Option<u32>,
    /// When it started; its program is older than that.
    pub(crate) started_unix_ns: u64,
    /// Path of the program.
    pub(crate) program: String,
}

/// Lines of a file around one that matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// Number of the first one.
    pub(crate) first: u32,
    pub(crate) lines: Vec<String>,
    /// The file was written to after the program was built: it may be of other lines.
    pub(crate) changed: bool,
}

/// Source code around the lines that the screen accuses. The model reads no file: it says which line it wants, and is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Excerpts {
    known: VecDeque<(SourcePlace, Option<Excerpt>)>,
}

impl SourcePlace {
    /// That of a finding; none where it accuses no line.
    pub(crate) fn of(process: &Process, finding: &Finding) -> Option<Self> {
        Self::new(process, finding.culprit.file.as_deref()?, finding.culprit.line?)
    }

    /// Those that are looked at in an opened finding, the first that there are lines of: that of the marked frame, and the
    /// accused one.
    pub(crate) fn in_stack(process: &Process, finding: &Finding, cursor: usize) -> Vec<Self> {
        let frame = finding.stack.get(cursor);
        let marked = frame.and_then(|frame| Self::new(process, frame.file.as_deref()?, frame.line?));
        marked.into_iter().chain(Self::of(process, finding)).collect()
    }

    /// That of a line that spawns, as such are told: `file:line:column`.
    pub(super) fn spawning(process: &Process, told: &str) -> Option<Self> {
        let mut parts = told.rsplitn(3, ':').skip(1);
        let line = parts.next()?.parse().ok()?;
        Self::new(process, parts.next()?, line)
    }

    fn new(process: &Process, file: &str, line: u32) -> Option<Self> {
        let header = process.header();
        let told = !file.is_empty() && line > 0;
        told.then(|| Self {
            file: file.to_owned(),
            line,
            root: process.history.source_root().map(str::to_owned),
            pid: (process.is_live() && process.conclusion.is_none()).then_some(header.pid),
            started_unix_ns: header.started_unix_ns,
            program: header.exe.clone(),
        })
    }

    /// Whether it is the same line: that the process has ended meanwhile changes nothing.
    fn is(&self, other: &Self) -> bool {
        (&self.file, self.line, &self.root, self.started_unix_ns)
            == (&other.file, other.line, &other.root, other.started_unix_ns)
    }
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Excerpts {
    /// Whether it was read already, or there is nothing to read.
    pub(super) fn knows(&self, place: &SourcePlace) -> bool {
        self.known.iter().any(|(known, _)| known.is(place))
    }

    /// What was read; nothing where there is no such file or line.
    pub(super) fn apply(&mut self, place: SourcePlace, excerpt: Option<Excerpt>) {
        self.known.retain(|(known, _)| !known.is(&place));
        self.known.push_back((place, excerpt));
        if self.known.len() > LIMIT {
            self.known.pop_front();
        }
    }

    pub(crate) fn of(&self, place: &SourcePlace) -> Option<&Excerpt> {
        self.known.iter().find(|(known, _)| known.is(place)).and_then(|(_, excerpt)| excerpt.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32) -> SourcePlace {
        let file = "src/report.rs".to_owned();
        SourcePlace { file, line, pid: Some(7), started_unix_ns: 9, ..SourcePlace::default() }
    }

    #[test]
    fn a_line_is_known_once_it_was_read_whether_there_is_a_file_or_not() {
        let mut excerpts = Excerpts::default();
        assert!(!excerpts.knows(&place(42)));
        excerpts.apply(place(42), None);
        let ended = SourcePlace { pid: None, ..place(42) };
        assert!(excerpts.knows(&place(42)) && excerpts.knows(&ended) && !excerpts.knows(&place(43)));
        assert_eq!(excerpts.of(&ended), None);
        let read = Excerpt { first: 40, lines: vec![String::new(); 5], changed: false };
        excerpts.apply(place(42), Some(read.clone()));
        assert_eq!(excerpts.of(&ended), Some(&read));
    }

    #[test]
    fn no_more_than_a_few_are_kept() {
        let mut excerpts = Excerpts::default();
        (0..1000).for_each(|line| excerpts.apply(place(line), None));
        assert_eq!(excerpts.known.len(), LIMIT);
        assert!(!excerpts.knows(&place(1)), "it is read anew");
    }
}
