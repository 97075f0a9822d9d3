//! What an example says of itself: its header's `Expected: …`, and the line marked `blocks here`.

use stallscope::analysis::{Finding, Report, Rule, Severity};
use std::fs;
use std::path::Path;

/// What `check` must find.
#[derive(Debug)]
pub(crate) enum Expected {
    Nothing,
    Stall(Stall),
}

#[derive(Debug)]
pub(crate) struct Stall {
    file: String,
    line: u32,
    /// Set when any line of this function will do.
    function: Option<String>,
    cause: String,
    ongoing: bool,
}

impl Expected {
    /// Reads `examples/NAME.rs`.
    pub(crate) fn of(name: &str) -> Self {
        let file = format!("examples/{name}.rs");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let header = source.lines().find_map(|line| line.strip_prefix("//! Expected: "));
        let header = header.unwrap_or_else(|| panic!("{file} does not say what is expected"));
        if header == "no finding." {
            return Self::Nothing;
        }
        let quoted: Vec<&str> = header.split('`').skip(1).step_by(2).collect();
        let [rule, cause] = quoted[..] else { panic!("{file} expects no rule with a cause: {header}") };
        assert_eq!(rule, Rule::BlockingPoll.to_string(), "{file}");
        let marked = source.lines().position(|line| line.contains("// blocks here"));
        let marked = marked.unwrap_or_else(|| panic!("{file} marks no line"));
        let function = header.contains("in the marked function").then(|| {
            let before = source.lines().take(marked).filter_map(|line| line.split_once("fn "));
            let (_, function) = before.last().unwrap_or_else(|| panic!("{file} marks no function"));
            format!("{name}::{}", function.split('(').next().unwrap_or(function))
        });
        let ongoing = header.contains("still going on");
        Self::Stall(Stall { file, line: marked as u32 + 1, function, cause: cause.to_owned(), ongoing })
    }

    /// There is this finding, and none but those that follow from it.
    pub(crate) fn compare(&self, report: &Report) {
        let found: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.severity > Severity::Info).collect();
        let Self::Stall(stall) = self else {
            return assert!(found.is_empty(), "{found:#?}");
        };
        let stalls: Vec<&&Finding> =
            found.iter().filter(|finding| finding.rule == Rule::BlockingPoll).collect();
        let [finding] = stalls[..] else { panic!("not one stall is found but {stalls:#?}") };
        stall.compare(finding);
    }
}

impl Stall {
    fn compare(&self, finding: &Finding) {
        let culprit = &finding.culprit;
        assert_eq!(finding.severity, Severity::Error, "{finding:#?}");
        assert_eq!(culprit.file.as_deref(), Some(&*self.file), "{finding:#?}");
        let named = culprit.function.as_deref().unwrap_or_default();
        match &self.function {
            None => assert_eq!(culprit.line, Some(self.line), "{finding:#?}"),
            Some(function) => assert!(named.starts_with(function), "{finding:#?}"),
        }
        assert_eq!(finding.cause_in_words(), self.cause, "{finding:#?}");
        assert_eq!(finding.ongoing, self.ongoing, "{finding:#?}");
    }
}
