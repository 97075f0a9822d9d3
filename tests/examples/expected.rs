//! What an example says of itself: its header's `Expected: …`, and the line marked `blocks here` or `found here`.

use stallscope::analysis::{Finding, Report, Rule, Severity};
use std::fs;
use std::path::Path;

/// What marks the line that is to be found.
const MARKS: [&str; 2] = ["// blocks here", "// found here"];

/// What `check` must find.
#[derive(Debug)]
pub(crate) enum Expected {
    Nothing,
    One(Culprit),
}

/// A header is `RULE at the marked line`, `RULE in the marked function` or `RULE of a socket`, and then what else is to be found of
/// it: `cause C`, `still going on`, `beside RULE`; names stand in backquotes.
#[derive(Debug)]
pub(crate) struct Culprit {
    rule: String,
    file: String,
    /// None of what is named by a socket's address.
    line: Option<u32>,
    /// Set when any line of this function will do.
    function: Option<String>,
    cause: Option<String>,
    ongoing: bool,
    /// Another rule that must fire for the same reason.
    beside: Option<String>,
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
        let after = |word: &str| {
            header.split_once(word).and_then(|(_, rest)| rest.split('`').next()).map(str::to_owned)
        };
        let rule = after("`").unwrap_or_else(|| panic!("{file} expects no rule: {header}"));
        let marked = source.lines().position(|line| MARKS.iter().any(|mark| line.contains(mark)));
        let of_socket = header.contains("of a socket");
        assert!(marked.is_some() != of_socket, "{file} marks no line");
        let function = header.contains("in the marked function").then(|| {
            let before =
                source.lines().take(marked.unwrap_or_default()).filter_map(|line| line.split_once("fn "));
            let (_, function) = before.last().unwrap_or_else(|| panic!("{file} marks no function"));
            format!("{name}::{}", function.split('(').next().unwrap_or(function))
        });
        Self::One(Culprit {
            rule,
            file,
            line: marked.map(|marked| marked as u32 + 1),
            function,
            cause: after("cause `"),
            ongoing: header.contains("still going on"),
            beside: after("beside `"),
        })
    }

    /// Whether there is this finding, whatever else there is.
    pub(crate) fn is_named(&self, report: &Report) -> bool {
        let Self::One(culprit) = self else { return false };
        report.findings.iter().any(|finding| culprit.is_named(finding))
    }

    /// There is this finding, and none but those that follow from it.
    pub(crate) fn compare(&self, report: &Report) {
        let found: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.severity > Severity::Info).collect();
        let Self::One(culprit) = self else {
            return assert!(found.is_empty(), "{found:#?}");
        };
        let (of_rule, others): (Vec<&Finding>, _) =
            found.iter().partition(|finding| finding.rule.to_string() == culprit.rule);
        let [finding] = of_rule[..] else { panic!("not one {} is found but {found:#?}", culprit.rule) };
        culprit.compare(finding);
        let follows = |finding: &&Finding| {
            finding.rule == Rule::LoopLag || culprit.beside == Some(finding.rule.to_string())
        };
        assert!(others.iter().all(follows), "{others:#?}");
        if let Some(beside) = &culprit.beside {
            let fires = others.iter().any(|finding| finding.rule.to_string() == *beside);
            assert!(fires, "no {beside} beside it: {others:#?}");
        }
    }
}

impl Culprit {
    /// By its rule, and the line or the function.
    fn is_named(&self, finding: &Finding) -> bool {
        let culprit = &finding.culprit;
        let named = culprit.function.as_deref().unwrap_or_default();
        let is_place = match &self.function {
            None => culprit.line == self.line,
            Some(function) => named.starts_with(function),
        };
        let in_file = culprit.file.as_deref().is_some_and(|file| self.is_file(file));
        finding.rule.to_string() == self.rule && in_file && is_place
    }

    /// Only `#[stallscope::main]` knows the folder that the compiler's paths start from.
    fn is_file(&self, file: &str) -> bool {
        file == self.file || file.ends_with(&format!("/{}", self.file))
    }

    fn compare(&self, finding: &Finding) {
        let culprit = &finding.culprit;
        if self.line.is_none() {
            let address = culprit.listener.as_ref().or(culprit.peer.as_ref());
            return assert!(address.is_some_and(|address| address.starts_with("127.0.0.1:")), "{finding:#?}");
        }
        assert!(culprit.file.as_deref().is_some_and(|file| self.is_file(file)), "{finding:#?}");
        let named = culprit.function.as_deref().unwrap_or_default();
        match &self.function {
            None => assert_eq!(culprit.line, self.line, "{finding:#?}"),
            Some(function) => assert!(named.starts_with(function), "{finding:#?}"),
        }
        if let Some(cause) = &self.cause {
            assert_eq!(finding.severity, Severity::Error, "{finding:#?}");
            assert_eq!(finding.cause_in_words(), *cause, "{finding:#?}");
            assert_eq!(finding.ongoing, self.ongoing, "{finding:#?}");
        }
    }
}
