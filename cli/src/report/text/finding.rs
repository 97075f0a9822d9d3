use super::super::facts;
use super::super::format::Style;
use super::super::paint::Paint;
use crate::failure::clean;
use stallscope::analysis::{Finding, Frame, Severity};
use stallscope_wire::counted;
use std::io::{self, Write};

/// The user's own frames that are shown of a stack, the culprit among them.
const OWN_FRAMES: usize = 3;
/// The frames that are shown where none is known to be the user's own.
const FRAMES: usize = 3;
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
    let chosen: Vec<_> = if style.full_stacks {
        finding.stack.iter().enumerate().collect()
    } else {
        short(&finding.stack, culprit)
    };
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

/// The call that the culprit made, the culprit, and the user's own code that called it.
fn short(stack: &[Frame], culprit: Option<usize>) -> Vec<(usize, &Frame)> {
    let frames = stack.iter().enumerate();
    let Some(culprit) = culprit else { return frames.take(FRAMES).collect() };
    let (call, callers) = (culprit.saturating_sub(1), frames.clone().skip(culprit));
    let own = callers.filter(|&(i, frame)| i == culprit || frame.user).take(OWN_FRAMES);
    frames.skip(call).take(culprit - call).chain(own).collect()
}

fn place(frame: &Frame) -> String {
    frame.place().map_or_else(|| "-".to_owned(), clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(user: &[bool]) -> Vec<Frame> {
        user.iter().map(|&user| Frame { user, ..Frame::default() }).collect()
    }

    fn shown(user: &[bool], culprit: Option<usize>) -> Vec<usize> {
        short(&stack(user), culprit).into_iter().map(|(i, _)| i).collect()
    }

    #[test]
    fn facts_share_a_line_while_there_is_room() {
        let facts = |lengths: &[usize]| lengths.iter().map(|&length| "x".repeat(length)).collect();
        let lengths =
            |of: &[usize]| lines(facts(of)).iter().map(|line| line.chars().count()).collect::<Vec<_>>();
        assert_eq!(lengths(&[20, 40, 60, 200, 3]), [63, 60, 200, 3]);
        assert_eq!(lengths(&[]), [0; 0]);
    }

    #[test]
    fn a_short_stack_is_the_call_and_the_own_frames_that_led_to_it() {
        let (own, others) = (true, false);
        assert_eq!(shown(&[others, others, own, others, own, own, own], Some(2)), [1, 2, 4, 5]);
        assert_eq!(shown(&[own, others, own], Some(0)), [0, 2]);
        assert_eq!(shown(&[others; 5], None), [0, 1, 2]);
        assert_eq!(shown(&[], None), [0; 0]);
    }
}
