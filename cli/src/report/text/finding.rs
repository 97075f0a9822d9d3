use super::super::facts;
use super::super::format::Style;
use super::super::paint::Paint;
use crate::failure::clean;
use stallscope::analysis::{Finding, Frame, Severity};
use stallscope_wire::counted;
use std::io::{self, Write};

/// Characters of a line with more than one fact.
const WIDTH: usize = 95;

/// What an earlier finding with the same stack has said is not said again.
pub(super) fn write(out: &mut impl Write, findings: &[Finding], at: usize, style: &Style) -> io::Result<()> {
    let (finding, paint) = (&findings[at], Paint(style.color));
    let tag = format!("[{}]", facts::tag(finding));
    let tag = match finding.severity {
        Severity::Error => paint.red(&tag),
        Severity::Warning => paint.yellow(&tag),
        _ => paint.dim(&tag),
    };
    writeln!(out, "{} {tag}", paint.bold(&clean(finding)))?;
    if let Some(detail) = &finding.detail {
        writeln!(out, "  {}", clean(detail))?;
    }
    for line in lines(facts::of_finding(finding)) {
        writeln!(out, "  {}", clean(line))?;
    }
    if let Some(doubt) = finding.doubt() {
        writeln!(out, "  {doubt}")?;
    }
    if let Some(earlier) = facts::with_same_stack(findings, at) {
        return writeln!(out, "  stack and help as above ({})\n", earlier.rule);
    }
    write_stack(out, finding, style)?;
    writeln!(out, "  {}: {}\n", paint.bold(&"help"), clean(&finding.help))
}

/// Facts side by side, as many as fit.
fn lines(facts: Vec<String>) -> Vec<String> {
    let mut lines = Vec::<String>::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + fact.chars().count() <= WIDTH => {
                *line += &format!(" · {fact}");
            }
            _ => lines.push(fact),
        }
    }
    lines
}

fn write_stack(out: &mut impl Write, finding: &Finding, style: &Style) -> io::Result<()> {
    let (culprit, paint) = (finding.culprit_frame(), Paint(style.color));
    let chosen: Vec<_> =
        if style.full_stacks { finding.stack.iter().enumerate().collect() } else { finding.short_stack() };
    let width = chosen.iter().map(|(_, frame)| place(frame).chars().count()).max().unwrap_or(0);
    for (i, frame) in &chosen {
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
    facts::of_stack(finding).map_or(Ok(()), |quality| writeln!(out, "    {quality}"))
}

fn place(frame: &Frame) -> String {
    frame.place().map_or_else(|| "-".to_owned(), clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_share_a_line_while_there_is_room() {
        let facts = |lengths: &[usize]| lengths.iter().map(|&length| "x".repeat(length)).collect();
        let lengths =
            |of: &[usize]| lines(facts(of)).iter().map(|line| line.chars().count()).collect::<Vec<_>>();
        assert_eq!(lengths(&[20, 40, 60, 200, 3]), [63, 60, 200, 3]);
        assert_eq!(lengths(&[]), [0; 0]);
    }
}
