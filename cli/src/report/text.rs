//! A report for people: what was to hold, what went wrong, what was measured, what was not seen.

mod finding;

use super::facts;
use super::format::Style;
use super::paint::Paint;
use super::sockets;
use super::tables::{self, Table};
use crate::failure::clean;
use stallscope::analysis::{Finding, Outcome, Report, Verdict};
use std::io::{self, Write};

/// The most rows of a table that are told; the document has more.
const ROWS: usize = 10;

/// Writes the whole report.
pub(crate) fn write(out: &mut impl Write, report: &Report, style: &Style) -> io::Result<()> {
    let paint = Paint(style.color);
    for outcome in &report.thresholds {
        write_outcome(out, outcome, report, paint)?;
    }
    if !report.thresholds.is_empty() {
        writeln!(out)?;
    }
    write_findings(out, &report.findings, style)?;
    if report.findings.is_empty() && !report.processes.is_empty() {
        writeln!(out, "no finding\n")?;
    }
    for table in tables::of(report, ROWS) {
        write_table(out, &table, paint)?;
    }
    sockets::write(out, &report.sockets)?;
    write_sight(out, report, paint)?;
    let verdict = match report.verdict {
        Verdict::Pass => paint.green(&report.verdict),
        Verdict::Breach => paint.red(&report.verdict),
        _ => paint.yellow(&report.verdict),
    };
    writeln!(out, "verdict: {verdict}")
}

/// Writes what went wrong, the worst first.
pub(crate) fn write_findings(out: &mut impl Write, findings: &[Finding], style: &Style) -> io::Result<()> {
    (0..findings.len()).try_for_each(|at| finding::write(out, findings, at, style))
}

fn write_outcome(out: &mut impl Write, outcome: &Outcome, report: &Report, paint: Paint) -> io::Result<()> {
    let longest =
        |of: fn(&Outcome) -> &str| report.thresholds.iter().map(|o| of(o).chars().count()).max().unwrap_or(0);
    let (expr, measured) = (longest(|o| &o.expr), longest(|o| &o.measured));
    let mark = match outcome.ok {
        Some(true) => paint.green(&"✓"),
        Some(false) => paint.red(&"✗"),
        None => paint.yellow(&"?"),
    };
    let mut line = format!("{mark} {:expr$}  {:measured$}", clean(&outcome.expr), outcome.measured);
    if let Some(worst) = &outcome.worst {
        line += &format!("  {}", clean(worst));
    }
    if let Some(note) = &outcome.note {
        line += &format!("  ({})", clean(note));
    }
    writeln!(out, "{}", line.trim_end())
}

/// The first column to the left, numbers to the right.
fn write_table(out: &mut impl Write, table: &Table, paint: Paint) -> io::Result<()> {
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(clean).collect()).collect();
    let head: Vec<String> = table.head.iter().map(|&name| name.to_owned()).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    writeln!(out, "{}", paint.bold(&line(&head)))?;
    rows.iter().try_for_each(|row| writeln!(out, "{}", line(row)))?;
    if table.left_out > 0 {
        writeln!(out, "{}", paint.dim(&format!("… {} more are in the JSON report", table.left_out)))?;
    }
    writeln!(out)
}

/// What the report rests on, and what it could not see.
fn write_sight(out: &mut impl Write, report: &Report, paint: Paint) -> io::Result<()> {
    if let Some(seen) = facts::seen(report) {
        writeln!(out, "seen: {seen}")?;
    }
    for gap in &report.coverage.missing {
        writeln!(out, "{}: {} ({})", paint.yellow(&"not seen"), clean(&gap.what), clean(&gap.cure))?;
    }
    if let Some(lost) = facts::lost(report) {
        writeln!(out, "{}: {lost}", paint.yellow(&"lost"))?;
    }
    facts::notes(report).try_for_each(|note| writeln!(out, "{}: {}", paint.yellow(&"note"), clean(note)))
}
