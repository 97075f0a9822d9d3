use super::{Run, flame, folded, histogram, html, markdown, text, trace};
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
}

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
    /// What a file's name says: its ending, else text.
    pub(crate) fn of_file(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let known = [
            (".trace.json", Self::ChromeTrace),
            (".trace", Self::ChromeTrace),
            (".json", Self::Json),
            (".md", Self::Markdown),
            (".markdown", Self::Markdown),
            (".folded", Self::Folded),
            (".collapsed", Self::Folded),
            (".svg", Self::Svg),
            (".hgrm", Self::Histogram),
            (".html", Self::Html),
            (".htm", Self::Html),
        ];
        known.iter().find(|(ending, _)| name.ends_with(ending)).map_or(Self::Text, |&(_, format)| format)
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
            ("", Format::Text),
        ] {
            assert_eq!(Format::of_file(Path::new(name)), format, "{name}");
        }
    }
}
