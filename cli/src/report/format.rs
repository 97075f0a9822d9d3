use super::{Run, codequality, flame, folded, github, histogram, html, junit, markdown, sarif, text, trace};
use stallscope::analysis::{Blocked, Report};
use std::io::{self, Write};
use std::path::Path;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people, in a terminal.
    Text,
    /// One document for machines: all that is known.
    Json,
    /// For a pull request or an issue.
    Markdown,
    /// Collapsed stacks of the blocked time, in nanoseconds, for flame graph tools.
    Folded,
    /// A flame graph of the blocked time.
    Svg,
    /// Workers, stalls, lag and queues over time, for Perfetto and chrome://tracing.
    ChromeTrace,
    /// Percentiles as HdrHistogram's tools print and plot them, in milliseconds.
    Histogram,
    /// All of it in one file for a browser.
    Html,
    /// A test case for each threshold, in JUnit's XML.
    Junit,
    /// Findings with their places and rules, for code scanning (SARIF 2.1.0).
    Sarif,
    /// Annotations of a step of GitHub Actions.
    Github,
    /// Findings as GitLab's code quality report has them.
    Codequality,
}

/// What a file's name ends in, and the form that it says; the first that fits holds.
const ENDINGS: [(&str, Format); 20] = [
    (".txt", Format::Text),
    (".text", Format::Text),
    (".log", Format::Text),
    (".trace.json", Format::ChromeTrace),
    (".trace", Format::ChromeTrace),
    (".sarif.json", Format::Sarif),
    (".sarif", Format::Sarif),
    ("codequality.json", Format::Codequality),
    ("code-quality-report.json", Format::Codequality),
    (".json", Format::Json),
    (".md", Format::Markdown),
    (".markdown", Format::Markdown),
    (".folded", Format::Folded),
    (".collapsed", Format::Folded),
    (".svg", Format::Svg),
    (".hgrm", Format::Histogram),
    (".html", Format::Html),
    (".htm", Format::Html),
    (".xml", Format::Junit),
    (".junit", Format::Junit),
];

/// How it is written, where a format leaves a choice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Style {
    pub(crate) color: bool,
    /// All frames of each stack.
    pub(crate) full_stacks: bool,
    /// The one distribution that is asked for: `poll`, `lag`, `schedule` or a route.
    pub(crate) distribution: Option<String>,
}

/// What is reported, and what it was made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Material<'a> {
    pub(crate) report: &'a Report,
    pub(crate) runs: &'a [Run],
}

impl Format {
    /// What a file's name says: its ending, or text where it has none, as devices and pipes have. None with an ending that
    /// is not known.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let known = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|&(_, format)| format);
        known.or_else(|| Path::new(&name).extension().is_none().then_some(Self::Text))
    }

    /// The endings that say a form, for people.
    pub(crate) fn endings() -> String {
        ENDINGS.map(|(ending, _)| ending).join(", ")
    }

    /// Writes the report in this form.
    pub(crate) fn write(self, out: &mut impl Write, of: Material<'_>, style: &Style) -> io::Result<()> {
        match self {
            Self::Text => text::write(out, of.report, style)?,
            Self::Json => {
                serde_json::to_writer_pretty(&mut *out, of.report)?;
                writeln!(out)?;
            }
            Self::Markdown => markdown::write(out, of.report)?,
            Self::Folded => folded::write(out, &of.blocked())?,
            Self::Svg => flame::write(out, &of.blocked())?,
            Self::ChromeTrace => trace::write(out, of)?,
            Self::Histogram => histogram::write(out, of.report, style.distribution.as_deref())?,
            Self::Html => html::write(out, of)?,
            Self::Junit => junit::write(out, of)?,
            Self::Sarif => sarif::write(out, of)?,
            Self::Github => github::write(out, of)?,
            Self::Codequality => codequality::write(out, of)?,
        }
        out.flush()
    }
}

impl Material<'_> {
    /// Where the time went in which threads were blocked.
    pub(crate) fn blocked(self) -> Blocked {
        let histories: Vec<_> = self.runs.iter().map(|run| &run.history).collect();
        Blocked::of(&histories)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_ending_says_its_form() {
        for (name, format) in [
            ("r.json", Format::Json),
            ("out/R.HTML", Format::Html),
            ("run.trace.json", Format::ChromeTrace),
            ("report.json/readme", Format::Text),
            ("notes.md", Format::Markdown),
            ("flame.svg", Format::Svg),
            ("lag.hgrm", Format::Histogram),
            ("stacks.folded", Format::Folded),
            ("report.txt", Format::Text),
            ("junit.xml", Format::Junit),
            ("r.sarif", Format::Sarif),
            ("r.sarif.json", Format::Sarif),
            ("gl-code-quality-report.json", Format::Codequality),
            ("stallscope-codequality.json", Format::Codequality),
            ("/dev/null", Format::Text),
            ("", Format::Text),
        ] {
            assert_eq!(Format::of_file(Path::new(name)), Some(format), "{name}");
        }
        for name in ["r.docx", "report.json.gz", "v1.2", "r.", "r.yaml"] {
            assert_eq!(Format::of_file(Path::new(name)), None, "{name}");
        }
    }
}
