//! A finding's stack for a test's message.

use super::super::{Finding, Frame};
use stallscope_wire::counted;
use std::fmt::Write;

/// The frames in lines of their own, the culprit marked; empty where there is none.
pub(super) fn lines(finding: &Finding) -> String {
    let culprit = finding.culprit_frame();
    let shown = finding.short_stack();
    let place = |frame: &Frame| frame.place().unwrap_or_else(|| "-".to_owned());
    let width = shown.iter().map(|(_, frame)| place(frame).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (at, frame) in &shown {
        let mark = if Some(*at) == culprit { '→' } else { ' ' };
        let _ = write!(text, "\n  {mark} {:width$}  {frame}", place(frame));
    }
    let more = finding.stack.len() - shown.len();
    if more > 0 {
        let _ = write!(text, "\n    … {}", counted(more as u64, "more frame"));
    }
    text
}
