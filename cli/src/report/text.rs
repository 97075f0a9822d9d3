//! A report for people: what was to hold, what went wrong, what was not seen.

use super::sockets;
use crate::failure::clean;
use stallscope::analysis::{Finding, Frame, Outcome, Report, Rule, Severity, Verdict};
use stallscope_wire::duration::show;
use stallscope_wire::{Quality, counted};
use std::fmt::Display;
use std::io::{self, Write};

/// The most frames that are shown of a stack.
const FRAMES: usize = 8;

/// Writes the whole report.
pub(crate) fn write(out: &mut impl Write, report: &Report, color: bool) -> io::Result<()> {
    let paint = Paint(color);
    for outcome in &report.thresholds {
        write_outcome(out, outcome, report, paint)?;
    }
    if !report.thresholds.is_empty() {
        writeln!(out)?;
    }
    write_findings(out, &report.findings, color)?;
    if report.findings.is_empty() && !report.processes.is_empty() {
        writeln!(out, "no finding\n")?;
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
pub(crate) fn write_findings(out: &mut impl Write, findings: &[Finding], color: bool) -> io::Result<()> {
    findings.iter().enumerate().try_for_each(|(i, finding)| {
        let same = |earlier: &&Finding| !earlier.stack.is_empty() && earlier.stack == finding.stack;
        write_finding(out, finding, findings[..i].iter().find(same), Paint(color))
    })
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

/// What an earlier finding with the same stack has said is not said again.
fn write_finding(
    out: &mut impl Write,
    finding: &Finding,
    earlier: Option<&Finding>,
    paint: Paint,
) -> io::Result<()> {
    let tag = match finding.severity {
        Severity::Error => paint.red(&format_args!("[error {}]", finding.rule)),
        Severity::Warning => paint.yellow(&format_args!("[warning {}]", finding.rule)),
        _ => paint.dim(&format_args!("[info {}]", finding.rule)),
    };
    writeln!(out, "{} {tag}", paint.bold(&clean(finding)))?;
    if let Some(detail) = &finding.detail {
        writeln!(out, "  {}", clean(detail))?;
    }
    let mut facts = Vec::new();
    if finding.count > 1 && finding.total_ns > finding.max_ns && counts_times(finding.rule) {
        facts.push(format!("{} in all", show(finding.total_ns)));
    }
    if let Some(who) = finding.victims.in_words() {
        facts.push(format!("{who} waited behind it, {} together", show(finding.victims.delay_ns)));
    }
    if let Some(routes) = finding.victims.routes_in_words() {
        facts.push(format!("behind it: {}", clean(&routes)));
    }
    // Some of any long time is the host's; that it is a tenth is worth a word.
    if finding.severity != Severity::Info && finding.attributable_max_ns < finding.max_ns / 10 * 9 {
        facts.push(format!("the code answers for {} of the longest", show(finding.attributable_max_ns)));
    }
    if let Some(task) = &finding.task {
        facts.push(format!("in task {}", clean(task)));
    }
    facts.extend(finding.request_in_words().map(|request| format!("answering {}", clean(&request))));
    if !facts.is_empty() {
        writeln!(out, "  {}", facts.join(" · "))?;
    }
    if let Some(doubt) = finding.doubt() {
        writeln!(out, "  {doubt}")?;
    }
    if let Some(earlier) = earlier {
        return writeln!(out, "  stack and help as above ({})\n", earlier.rule);
    }
    write_stack(out, finding, paint)?;
    writeln!(out, "  {}: {}\n", paint.bold(&"help"), clean(&finding.help))
}

/// Whether its count says how often something took time.
fn counts_times(rule: Rule) -> bool {
    !matches!(rule, Rule::TaskLeak | Rule::SocketLeak | Rule::AcceptBacklog)
}

/// From the innermost frame to the culprit, and the user's own code that called it.
fn write_stack(out: &mut impl Write, finding: &Finding, paint: Paint) -> io::Result<()> {
    let culprit = finding.culprit_frame();
    // Of what lies below the culprit, the call that it made says most; then what was called last.
    let from = culprit.map_or(0, |culprit| culprit.saturating_sub(3));
    let shown = |(i, frame): &(usize, &Frame)| frame.user || culprit.is_none_or(|culprit| *i < culprit);
    let chosen: Vec<_> = finding.stack.iter().enumerate().skip(from).filter(shown).collect();
    let chosen = &chosen[..chosen.len().min(FRAMES)];
    let width = chosen.iter().map(|(_, frame)| place(frame).chars().count()).max().unwrap_or(0);
    for (i, frame) in chosen {
        let text = format!("{:width$}  {}", place(frame), clean(frame));
        if Some(*i) == culprit {
            writeln!(out, "  → {}", paint.bold(&text))?;
        } else {
            writeln!(out, "    {}", paint.dim(&text))?;
        }
    }
    let hidden = finding.stack.len() - chosen.len();
    if hidden > 0 {
        writeln!(out, "    {}", paint.dim(&format!("… {}", counted(hidden as u64, "more frame"))))?;
    }
    match finding.stack_quality {
        Some(Quality::Uncertain) => writeln!(out, "    a frame of this stack had to be guessed"),
        Some(Quality::Truncated) => writeln!(out, "    the outer part of this stack was not captured"),
        _ => Ok(()),
    }
}

fn place(frame: &Frame) -> String {
    frame.place().map_or_else(|| "-".to_owned(), clean)
}

/// What the report rests on, and what it could not see.
fn write_sight(out: &mut impl Write, report: &Report, paint: Paint) -> io::Result<()> {
    if !report.processes.is_empty() {
        let count = match report.processes.len() {
            1 => "1 process".to_owned(),
            count => format!("{count} processes"),
        };
        let longest = report.processes.iter().map(|process| process.duration_ns).max().unwrap_or(0);
        let whole = report.coverage.complete && report.processes.iter().all(|process| process.complete);
        let sight = if whole { "everything was seen" } else { "not everything was seen" };
        let (tier, mode) = (report.tier, report.mode);
        writeln!(out, "seen: {count}, {}, tier {tier}, mode {mode}; {sight}", show(longest))?;
    }
    for gap in &report.coverage.missing {
        writeln!(out, "{}: {} ({})", paint.yellow(&"not seen"), clean(&gap.what), clean(&gap.cure))?;
    }
    let lost = report.lost;
    let kinds = [
        (lost.events, "reports"),
        (lost.stacks, "stacks"),
        (lost.locations, "task events without their spawn location"),
        (lost.first_polls, "waits for a first poll"),
        (lost.lines, "lines"),
    ];
    let kinds: Vec<_> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}")).collect();
    if !kinds.is_empty() {
        writeln!(out, "{}: {}", paint.yellow(&"lost"), kinds.join(", "))?;
    }
    report.notes.iter().try_for_each(|note| writeln!(out, "{}: {}", paint.yellow(&"note"), clean(note)))
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &impl Display) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn bold(self, text: &impl Display) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &impl Display) -> String {
        self.with("2", text)
    }

    fn red(self, text: &impl Display) -> String {
        self.with("1;31", text)
    }

    fn green(self, text: &impl Display) -> String {
        self.with("32", text)
    }

    fn yellow(self, text: &impl Display) -> String {
        self.with("33", text)
    }
}
