//! Lines of source code around the one that matters.

use super::theme::Theme;
use super::{fit, list};
use crate::model::{Excerpt, SourcePlace};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope::analysis::short_place;

/// Draws them below a rule, as many as there is room for.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, place: &SourcePlace, excerpt: &Excerpt) {
    let remark =
        if excerpt.changed { "written to since the program was built, perhaps of other lines" } else { "" };
    let at = format!("{}:{}", short_place(&place.file), place.line);
    let title = format!("Source, {}", fit::start(&at, usize::from(area.width).saturating_sub(14)));
    let room = list::title(frame, theme, area, &title, remark);
    let shown = lines(theme, place, excerpt, usize::from(room.width), usize::from(room.height));
    list::lines(frame, theme, room, shown, None);
}

/// At most so many of them, the one that matters by an arrow and in the middle, without what all are indented by.
pub(super) fn lines(
    theme: Theme,
    place: &SourcePlace,
    excerpt: &Excerpt,
    width: usize,
    height: usize,
) -> Vec<Line<'static>> {
    let at = place.line.saturating_sub(excerpt.first) as usize;
    let count = excerpt.lines.len();
    let from = at.saturating_sub(height / 2).min(count.saturating_sub(height));
    let shown = &excerpt.lines[from.min(count)..(from + height).min(count)];
    let indent = |line: &String| line.chars().take_while(|letter| *letter == ' ').count();
    let indented = shown.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let digits = (excerpt.first as usize + count).to_string().len();
    let room = width.saturating_sub(digits + 6);
    let numbered = (from..).zip(shown).map(|(number, line)| {
        let text: String = line.chars().skip(indented).collect();
        let (sign, style) = if number == at { (" ▶ ", theme.bad()) } else { ("   ", theme.dim()) };
        let code = if number == at { theme.strong() } else { theme.plain() };
        Line::from(vec![
            Span::styled(format!("{sign}{:>digits$} │ ", excerpt.first as usize + number), style),
            Span::styled(fit::end(&text, room).into_owned(), code),
        ])
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::super::theme::Palette;
    use super::*;
    use proptest::prelude::*;

    fn excerpt(first: u32, count: usize) -> Excerpt {
        let lines = (0..count).map(|line| format!("    line {line}")).collect();
        Excerpt { first, lines, changed: false }
    }

    fn shown(line: u32, excerpt: &Excerpt, width: usize, height: usize) -> Vec<String> {
        let place = SourcePlace { line, ..SourcePlace::default() };
        let theme = Theme::new(Palette::Dark, true, false);
        lines(theme, &place, excerpt, width, height).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_line_that_matters_stands_in_the_middle() {
        let lines = shown(42, &excerpt(30, 25), 40, 3);
        assert_eq!(lines, ["   41 │ line 11", " ▶ 42 │ line 12", "   43 │ line 13"]);
        assert_eq!(shown(1, &excerpt(1, 13), 40, 3)[0], " ▶  1 │ line 0");
    }

    proptest! {
        #[test]
        fn no_place_and_no_room_make_it_panic_or_lose_the_line(
            first in 1u32..40, count in 1usize..30, line in 0u32..80, width in 0usize..60, height in 0usize..40
        ) {
            let lines = shown(line, &excerpt(first, count), width, height);
            prop_assert!(lines.len() <= height);
            if (first..first + count as u32).contains(&line) && height > 0 {
                let arrow = lines.iter().any(|line| line.starts_with(" ▶"));
                prop_assert!(arrow);
            }
        }
    }
}
