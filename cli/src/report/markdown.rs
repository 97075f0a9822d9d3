//! A report for a pull request or an issue: short first, stacks behind a fold.

use super::escape::xml;
use super::facts;
use super::tables::{self, Table};
use crate::failure::clean;
use crate::markdown::{cell, code, fence};
use stallscope::analysis::{Finding, Report, Severity, Verdict};
use stallscope_wire::counted;
use stallscope_wire::duration::show;
use std::io::{self, Write};

/// The most findings, and rows of a table: whoever reads a pull request wants the worst.
const FINDINGS: usize = 10;
const ROWS: usize = 10;
/// The most frames of a stack: hosts take a comment of some 64 KiB.
const FRAMES: usize = 40;
/// Of a text, longer than any name should be, in characters.
const TEXT: usize = 300;

/// Writes it. Everything that a log says stands in it as code, where no character means anything.
pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "### {} Stallscope: {}\n", sign(report.verdict), report.verdict)?;
    writeln!(out, "{}\n", summary(report))?;
    write_thresholds(out, report)?;
    write_findings(out, &report.findings)?;
    for table in tables::of(report, ROWS) {
        write_folded_table(out, &table)?;
    }
    write_sight(out, report)
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Breach => "❌",
        _ => "⚠️",
    }
}

fn summary(report: &Report) -> String {
    let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let worst = report.findings.first().map(|finding| format!("; the worst: {}", code(short(finding))));
    let found = match (errors, report.findings.len()) {
        (_, 0) => "No finding".to_owned(),
        (0, all) => format!("{}, no error", counted(all as u64, "finding")),
        (errors, all) => {
            format!("{}, {}", counted(all as u64, "finding"), counted(errors as u64, "error"))
        }
    };
    let seen = facts::seen(report).unwrap_or_else(|| "no process was seen".to_owned());
    format!("{found}{}.\nSeen: {seen}.", worst.unwrap_or_default())
}

fn write_thresholds(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.thresholds.is_empty() {
        return Ok(());
    }
    writeln!(out, "| | threshold | measured | worst | |\n|---|---|---:|---|---|")?;
    for outcome in &report.thresholds {
        let mark = match outcome.ok {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "?",
        };
        let [expr, measured] = [&outcome.expr, &outcome.measured].map(|text| cell(short(text)));
        let [worst, note] = [&outcome.worst, &outcome.note]
            .map(|text| text.as_ref().map(|text| cell(short(text))).unwrap_or_default());
        writeln!(out, "| {mark} | {expr} | {measured} | {worst} | {note} |")?;
    }
    writeln!(out)
}

fn write_findings(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "| finding | where | why | times | longest | waited behind it |\n|---|---|---|---:|---:|---:|"
    )?;
    for finding in findings.iter().take(FINDINGS) {
        let (tag, culprit) = (cell(facts::tag(finding)), cell(short(&finding.culprit)));
        let cause = cell(short(finding.cause_in_words()));
        let delay = match finding.victims.delay_ns {
            0 => String::new(),
            delay => show(delay).to_string(),
        };
        let (count, max) = (finding.count, show(finding.max_ns));
        writeln!(out, "| {tag} | {culprit} | {cause} | {count} | {max} | {delay} |")?;
    }
    let more = findings.len().saturating_sub(FINDINGS);
    if more > 0 {
        writeln!(out, "\n… and {more} more in the JSON report.")?;
    }
    writeln!(out)?;
    (0..findings.len().min(FINDINGS)).try_for_each(|at| write_details(out, findings, at))
}

fn write_details(out: &mut impl Write, findings: &[Finding], at: usize) -> io::Result<()> {
    let finding = &findings[at];
    writeln!(out, "<details><summary><code>{}</code></summary>\n", xml(short(finding)))?;
    let about = finding.detail.iter().cloned().chain(facts::of_finding(finding));
    let about: Vec<_> = about.chain(finding.doubt().map(str::to_owned)).collect();
    for fact in &about {
        writeln!(out, "- {}", code(short(fact)))?;
    }
    if let Some(earlier) = facts::with_same_stack(findings, at) {
        return writeln!(out, "\nStack and help as above ({}).\n\n</details>\n", earlier.rule);
    }
    write_stack(out, finding)?;
    writeln!(out, "\nHelp: {}\n\n</details>\n", code(short(&finding.help)))
}

fn write_stack(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    if finding.stack.is_empty() {
        return Ok(());
    }
    let culprit = finding.culprit_frame();
    let frames = finding.stack.iter().take(FRAMES).enumerate().map(|(i, frame)| {
        let mark = if Some(i) == culprit { '→' } else { ' ' };
        format!("{mark} {}  {}", short(frame), frame.place().map(short).unwrap_or_default())
            .trim_end()
            .to_owned()
    });
    let mut lines: Vec<_> = frames.collect();
    let hidden = finding.stack.len() - lines.len();
    if hidden > 0 {
        lines.push(format!("  … {hidden} more"));
    }
    lines.extend(facts::of_stack(finding).map(|quality| format!("  {quality}")));
    let text = lines.join("\n");
    let fence = fence(&text);
    writeln!(out, "\n{fence}text\n{text}\n{fence}")
}

fn write_folded_table(out: &mut impl Write, table: &Table) -> io::Result<()> {
    writeln!(out, "<details><summary>{}</summary>\n", table.title)?;
    writeln!(out, "| {} |", table.head.join(" | "))?;
    writeln!(out, "|---|{}", "---:|".repeat(table.head.len().saturating_sub(1)))?;
    for row in &table.rows {
        let cells =
            row.iter().enumerate().map(|(i, text)| if i == 0 { cell(short(text)) } else { text.clone() });
        writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "))?;
    }
    if table.left_out > 0 {
        writeln!(out, "\n… and {} more in the JSON report.", table.left_out)?;
    }
    writeln!(out, "\n</details>\n")
}

fn write_sight(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for gap in &report.coverage.missing {
        writeln!(out, "- Not seen: {} ({})", code(short(&gap.what)), code(short(&gap.cure)))?;
    }
    if let Some(lost) = facts::lost(report) {
        writeln!(out, "- Lost: {lost}")?;
    }
    facts::notes(report).try_for_each(|note| writeln!(out, "- Note: {}", code(short(note))))
}

/// A text in one line, of bounded length.
fn short(text: impl std::fmt::Display) -> String {
    let text = clean(text);
    if text.chars().count() <= TEXT {
        return text;
    }
    text.chars().take(TEXT - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::folded::tests::history;
    use stallscope::analysis::{Frame, History, Terms, judge};

    fn report(histories: &[&History]) -> Report {
        Report::new(Vec::new(), judge(&Terms::default().allow_incomplete(true), histories), histories)
    }

    fn text(report: &Report) -> String {
        let mut out = Vec::new();
        write(&mut out, report).expect("it is written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_breach_is_told_first_and_stacks_are_folded() {
        let text = text(&report(&[&history()]));
        assert!(
            text.starts_with("### ❌ Stallscope: breach\n\n3 findings, 2 errors; the worst: `"),
            "{text}"
        );
        assert!(text.contains(
            "| `error blocking-poll` | `src/report.rs:42` | `syscall clock_nanosleep` | 2 | 312ms |"
        ));
        assert!(text.contains("→ app::<[u8; 4] as Render>::go  src/report.rs:42\n"), "{text}");
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn a_healthy_run_is_short() {
        let history = History::new(stallscope_wire::Header::default());
        let text = text(&report(&[&history]));
        assert!(text.contains("No finding."), "{text}");
    }

    #[test]
    fn no_name_breaks_the_table_the_fold_or_the_fence() {
        let mut report = report(&[&history()]);
        let evil = "f<T>|g`h`::{closure} @someone #12 </details> ``` \n| x";
        report.findings[0].culprit.function = Some(evil.to_owned());
        report.findings[0].culprit.file = None;
        report.findings[0].stack =
            vec![Frame { function: Some(format!("{evil}\n```\n")), ..Frame::default() }; FRAMES + 2];
        let text = text(&report);
        let row = text.lines().find(|line| line.starts_with("| `error blocking-poll`")).expect("its row");
        assert_eq!(row.replace("\\|", "").matches('|').count(), 7, "{row}");
        assert!(
            row.contains("````f<T>\\|g`h`::{closure} @someone #12 </details> ``` \u{fffd}\\| x````"),
            "{row}"
        );
        let summary =
            text.lines().find(|line| line.starts_with("<details><summary><code>f")).expect("its fold");
        assert!(summary.contains("f&lt;T&gt;|g`h`") && summary.ends_with("</code></summary>"), "{summary}");
        let fences = text.lines().filter(|line| line.starts_with("````")).count();
        assert_eq!(fences % 2, 0, "{text}");
        assert!(text.contains("… 2 more"));
    }
}
