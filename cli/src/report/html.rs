//! All of a report in one file for a browser: no other file, no network.

mod details;
mod timeline;

use super::escape::xml;
use super::tables::{self, Table};
use super::{Material, facts, flame};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use stallscope::analysis::{Report, Severity, Verdict};
use std::io::{self, Write};

/// The most rows of a table, which is what a report lists.
const ROWS: usize = 100;
const STYLE: &str = include_str!("html/style.css");

/// Writes the page.
pub(super) fn write(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    let report = of.report;
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; frame-src data:; img-src data:\">\n\
         <title>Stallscope: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>",
        report.verdict
    )?;
    write_head(out, report)?;
    write_thresholds(out, report)?;
    section(out, "Findings", |out| details::write_findings(out, &report.findings))?;
    section(out, "Blocked time", |out| write_flame(out, of))?;
    if of.runs.iter().any(|run| !run.course.looks.is_empty()) {
        section(out, "Timeline", |out| timeline::write(out, of.runs))?;
    }
    for table in tables::of(report, ROWS) {
        section(out, table.title, |out| write_table(out, &table))?;
    }
    if !report.requests.slowest.is_empty() {
        section(out, "Slowest requests", |out| details::write_slowest(out, &report.requests.slowest))?;
    }
    for table in tables::of_sockets(report, ROWS) {
        section(out, table.title, |out| write_table(out, &table))?;
    }
    section(out, "What was seen", |out| write_sight(out, report))?;
    writeln!(out, "</body>\n</html>")
}

fn section<W: Write>(
    out: &mut W,
    title: &str,
    content: impl FnOnce(&mut W) -> io::Result<()>,
) -> io::Result<()> {
    writeln!(out, "<section>\n<h2>{}</h2>", xml(title))?;
    content(out)?;
    writeln!(out, "</section>")
}

fn write_head(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let class = match report.verdict {
        Verdict::Pass => "good",
        Verdict::Breach => "bad",
        _ => "warning",
    };
    let command = if report.command.is_empty() { String::new() } else { report.command.join(" ") };
    writeln!(out, "<header>\n<h1>Stallscope <span class=\"badge {class}\">{}</span></h1>", report.verdict)?;
    if !command.is_empty() {
        writeln!(out, "<p><code>{}</code></p>", xml(command))?;
    }
    let worst = report.findings.iter().find(|finding| finding.severity == Severity::Error);
    let sentence = match worst.or(report.findings.first()) {
        Some(finding) => xml(finding),
        None if report.processes.is_empty() => "no process was seen".to_owned(),
        None => "no finding".to_owned(),
    };
    writeln!(out, "<p class=\"worst\">{sentence}</p>")?;
    if let Some(seen) = facts::seen(report) {
        writeln!(out, "<p class=\"dim\">seen: {}</p>", xml(seen))?;
    }
    writeln!(out, "</header>")
}

fn write_thresholds(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.thresholds.is_empty() {
        return Ok(());
    }
    section(out, "Thresholds", |out| {
        writeln!(out, "<div class=\"wide\"><table>")?;
        writeln!(out, "<tr><th></th><th>threshold</th><th>measured</th><th>worst</th><th></th></tr>")?;
        for outcome in &report.thresholds {
            let (class, mark) = match outcome.ok {
                Some(true) => ("good", "✓"),
                Some(false) => ("bad", "✗"),
                None => ("warning", "?"),
            };
            let [worst, note] =
                [&outcome.worst, &outcome.note].map(|text| xml(text.as_deref().unwrap_or_default()));
            writeln!(
                out,
                "<tr><td class=\"{class}\">{mark}</td><td><code>{}</code></td><td class=\"number\">{}</td>\
                 <td><code>{worst}</code></td><td class=\"note\">{note}</td></tr>",
                xml(&outcome.expr),
                xml(&outcome.measured)
            )?;
        }
        writeln!(out, "</table></div>")
    })
}

/// The picture is a document of its own, so that its script and its names meet no others.
fn write_flame(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    let blocked = of.blocked();
    if blocked.stacks.is_empty() {
        return writeln!(out, "<p>Nothing blocked the event loop.</p>");
    }
    let mut svg = Vec::new();
    flame::write(&mut svg, &blocked)?;
    let height = flame::height(&String::from_utf8_lossy(&svg)).unwrap_or(600);
    writeln!(
        out,
        "<p class=\"dim\">How wide a frame is says how long threads were blocked in it, without the host's part. \
         Click to zoom, Ctrl-F to search.</p>\n\
         <iframe title=\"flame graph of the blocked time\" height=\"{height}\" \
         src=\"data:image/svg+xml;base64,{}\"></iframe>",
        STANDARD.encode(svg)
    )
}

fn write_table(out: &mut impl Write, table: &Table) -> io::Result<()> {
    writeln!(out, "<div class=\"wide\"><table>")?;
    let head: Vec<_> = table.head.iter().map(|name| format!("<th>{}</th>", xml(name))).collect();
    writeln!(out, "<tr>{}</tr>", head.concat())?;
    for row in &table.rows {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("<td><code>{}</code></td>", xml(cell)),
            _ => format!("<td class=\"number\">{}</td>", xml(cell)),
        });
        writeln!(out, "<tr>{}</tr>", cells.collect::<String>())?;
    }
    writeln!(out, "</table></div>")?;
    if table.left_out > 0 {
        writeln!(out, "<p class=\"dim\">{} more are not listed.</p>", table.left_out)?;
    }
    Ok(())
}

fn write_sight(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "<ul>")?;
    for process in &report.processes {
        writeln!(
            out,
            "<li>process {} <code>{}</code>, started {}, {} runtimes, {} workers{}</li>",
            process.pid,
            xml(&process.exe),
            xml(&process.started),
            process.runtimes,
            process.workers,
            if process.complete { "" } else { "; its end was not seen" }
        )?;
    }
    for gap in &report.coverage.missing {
        writeln!(out, "<li class=\"warning\">not seen: {} ({})</li>", xml(&gap.what), xml(&gap.cure))?;
    }
    if let Some(lost) = facts::lost(report) {
        writeln!(out, "<li class=\"warning\">lost: {}</li>", xml(lost))?;
    }
    for note in facts::notes(report) {
        writeln!(out, "<li>note: {}</li>", xml(note))?;
    }
    writeln!(out, "</ul>")
}

#[cfg(test)]
mod tests;
