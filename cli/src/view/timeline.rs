//! What a request did, drawn in one row.

use super::theme::Theme;
use ratatui::style::Style;
use ratatui::text::Span;
use stallscope_wire::{Doing, SlowRequest};

/// What the signs of a row mean.
pub(super) const LEGEND: &str = "█ own polls  ▒ behind others  · awaiting";

/// A request's steps, each as long as its share of the time; none that is told is left out while there is room.
pub(super) fn spans(theme: Theme, slow: &SlowRequest, width: usize) -> Vec<Span<'static>> {
    let mut spans: Vec<_> = widths(slow, width)
        .into_iter()
        .map(|(doing, cells)| {
            let (sign, style) = look(theme, doing);
            Span::styled(sign.repeat(cells), style)
        })
        .collect();
    if slow.cut {
        spans.push(Span::styled("…", theme.dim()));
    }
    spans
}

fn look(theme: Theme, doing: Doing) -> (&'static str, Style) {
    match doing {
        Doing::Own => ("█", Style::new()),
        Doing::Behind => ("▒", theme.bad()),
        _ => ("·", theme.dim()),
    }
}

/// How many cells each step has.
fn widths(slow: &SlowRequest, width: usize) -> Vec<(Doing, usize)> {
    let width = width.saturating_sub(usize::from(slow.cut));
    let steps = &slow.timeline[..slow.timeline.len().min(width)];
    let all: u128 = steps.iter().map(|step| u128::from(step.for_ns)).sum();
    // One each, and the rest by length: by where each ends, so that the parts add up.
    let rest = (width - steps.len()) as u128;
    let mut until = 0;
    let mut drawn = 0;
    let cells = steps.iter().map(|step| {
        until += u128::from(step.for_ns);
        let end = usize::try_from(rest * until / all.max(1)).unwrap_or(0);
        let cells = 1 + end - drawn;
        drawn = end;
        (step.doing, cells)
    });
    cells.collect()
}

#[cfg(test)]
mod tests {
    use super::super::theme::Palette;
    use super::*;
    use proptest::prelude::*;
    use stallscope_wire::Step;

    fn slow(steps: &[(Doing, u64)], cut: bool) -> SlowRequest {
        let timeline = steps.iter().map(|&(doing, for_ns)| Step { doing, for_ns }).collect();
        SlowRequest { timeline, cut, ..SlowRequest::default() }
    }

    fn drawn(slow: &SlowRequest, width: usize) -> String {
        spans(Theme::new(Palette::Dark, false, false), slow, width)
            .iter()
            .map(|span| span.content.as_ref())
            .collect()
    }

    #[test]
    fn steps_are_as_long_as_they_took() {
        use Doing::{Awaiting, Behind, Own};
        let request = slow(&[(Own, 1), (Awaiting, 400), (Behind, 500), (Own, 100)], false);
        assert_eq!(drawn(&request, 14), "█·····▒▒▒▒▒▒██");
        assert_eq!(drawn(&slow(&[(Own, 10)], true), 5), "████…");
        assert_eq!(drawn(&request, 2), "█·");
        assert_eq!(drawn(&slow(&[], false), 5), "");
    }

    proptest! {
        #[test]
        fn never_wider_than_its_room(
            steps in proptest::collection::vec(any::<u64>().prop_map(|ns| (Doing::Own, ns)), 0..20),
            cut: bool,
            width in 1usize..80,
        ) {
            prop_assert!(drawn(&slow(&steps, cut), width).chars().count() <= width);
        }
    }
}
