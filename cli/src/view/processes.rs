use super::fit;
use super::list;
use super::table;
use super::theme::Theme;
use crate::model::{Listed, Model, Row, SENTENCE, Sign, Spots, Tone};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Lines that the culprits have at least, with their title.
const CULPRITS: u16 = 4;
/// Lines between the lists: a gap, and how the marked process is.
const BETWEEN: u16 = 3;

/// All that are watched, and what did damage in any of them.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, model: &Model, listed: &Listed) -> Spots {
    let together = &model.together;
    let rows = together.processes.rows.len();
    let title = match together.forgotten {
        0 => format!("{rows} processes"),
        forgotten => format!("{rows} processes, and {forgotten} that ended before"),
    };
    // The list takes what it needs, as far as the culprits keep some room.
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2);
    let roomy = area.height >= wanted.saturating_add(BETWEEN + CULPRITS);
    let between = if roomy { BETWEEN } else { 0 };
    let below = match area.height {
        height if height >= 2 * CULPRITS => {
            height.saturating_sub(wanted).saturating_sub(between).max(CULPRITS)
        }
        _ => 0,
    };
    let above = Rect { height: area.height - below - between, ..area };
    let room = list::title(frame, theme, above, &title, "Enter shows it · p P next and previous");
    let spots = table::draw(frame, theme, room, listed);
    if below > 0 {
        let end = above.y + above.height;
        sentence(frame, Rect { y: end, height: between.saturating_sub(1), ..area }, listed);
        let area = Rect { y: end + between, height: below, ..area };
        let room = list::title(frame, theme, area, "Culprits of all together", "");
        if together.culprits.rows.is_empty() {
            list::lines(frame, theme, room, list::nothing(theme, "none so far"), None);
        } else {
            table::draw_beginning(frame, theme, room, &together.culprits);
        }
    }
    spots
}

/// How the marked process of a list is.
pub(super) fn sentence(frame: &mut Frame<'_>, area: Rect, listed: &Listed) {
    let Some((row, at)) = listed.row().zip(listed.table.column(SENTENCE)) else { return };
    let width = usize::from(area.width).saturating_sub(2);
    let lines = fit::wrap(&row.cells[at].value.shown(), width).into_iter().take(usize::from(area.height));
    let lines: Vec<_> = lines.map(|text| Line::raw(format!(" {text}"))).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// Where several are watched: which one the screen is about, and how each is. The one on the screen is always in sight.
pub(super) fn strip(theme: Theme, model: &Model, width: u16) -> Option<Line<'static>> {
    let rows = &model.together.processes.rows;
    if rows.len() < 2 {
        return None;
    }
    let at = rows.iter().position(|row| row.sign == Sign::Chosen).unwrap_or(0);
    let lead = format!(" {} of {} ", at + 1, rows.len());
    let room = usize::from(width).saturating_sub(lead.chars().count());
    let texts: Vec<_> = rows.iter().map(text).collect();
    let length = |from: usize| texts[from..=at].iter().map(|text| text.chars().count() + 1).sum::<usize>();
    let first = (0..at).find(|&from| length(from) <= room).unwrap_or(at);
    let mut spans = vec![Span::styled(lead, theme.strong())];
    let mut left = room;
    for (number, text) in texts.iter().enumerate().skip(first) {
        let text = fit::end(text, left).into_owned();
        left = left.saturating_sub(text.chars().count() + 1);
        let style = if number == at { theme.marked() } else { style(theme, &rows[number]) };
        spans.extend([Span::styled(text, style), Span::raw(" ")]);
        if left == 0 {
            break;
        }
    }
    Some(Line::from(spans))
}

/// Pid and health.
fn text(row: &Row) -> String {
    format!(" {} {} ", row.cells[0].value.shown(), row.cells[2].value.shown())
}

fn style(theme: Theme, row: &Row) -> Style {
    match row.cells[2].tone {
        Tone::Bad => theme.bad(),
        Tone::Warning => theme.warning(),
        _ => theme.dim(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Palette, Theme, draw, draw_picker};
    use crate::model::{Key, Msg, Picker};
    use crate::scenario::{Scenario, Watched};
    use crate::source::{Ending, Message, Origin};
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use ratatui::backend::TestBackend;
    use ratatui::style::Color;
    use ratatui::{Frame, Terminal};
    use stallscope_wire::Header;
    use std::time::Duration;

    fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut Frame<'_>)) -> TestBackend {
        let mut terminal =
            Terminal::new(TestBackend::new(width, height)).expect("a test terminal never fails");
        terminal.draw(draw).expect("a test terminal never fails");
        terminal.backend().clone()
    }

    fn screen(watched: &Watched, width: u16, height: u16) -> TestBackend {
        drawn(width, height, |frame| {
            drop(draw(frame, &watched.model, Theme::new(Palette::Dark, true, false), watched.ours));
        })
    }

    fn header(pid: u32) -> Header {
        let header = Scenario::new().live().model.process().header().clone();
        Header { pid, ..header }
    }

    fn blocked() -> Scenario {
        Scenario::new().quiet(5).computes(1, 240).quiet(2).sleeps(2, 312)
    }

    /// A service of three: one is healthy, one is blocked, one was killed.
    fn service() -> Watched {
        let mut watched = Scenario::new().quiet(8).live();
        for (number, scenario) in [(1, blocked()), (2, Scenario::new().quiet(4))] {
            let pid = 4242 + number as u32;
            watched.model.add(number, header(pid), Origin::Live(format!("/run/{pid}.sock").into()));
            for line in scenario.lines {
                watched.update(Msg::Source(number, Message::Line(Box::new(line), Vec::new())));
            }
        }
        watched.update(Msg::Source(2, Message::Ended(Ending::Abrupt)));
        watched.model.advance(watched.ours);
        watched
    }

    fn on_screen(key: char) -> Watched {
        let mut watched = service().press(&[Key::Char(key)]).later(Duration::from_secs(1));
        watched.model.advance(watched.ours);
        watched
    }

    fn picker() -> Picker {
        let mut picker = Picker::default();
        for (number, scenario) in [(0, Scenario::new().quiet(8)), (1, blocked())] {
            let pid = 4242 + number as u32;
            picker.add(number, header(pid), Origin::Live(format!("/run/{pid}.sock").into()));
            for line in scenario.lines {
                picker.take(number, Message::Line(Box::new(line), Vec::new()), Duration::from_secs(8));
            }
        }
        picker.settle();
        picker.press(Key::Char(' '), Duration::from_secs(8));
        picker
    }

    #[test]
    fn all_of_a_service_and_what_did_damage_in_it() {
        let watched = on_screen('8');
        assert_snapshot!("processes_80x24", screen(&watched, 80, 24));
        assert_snapshot!("processes_120x40", screen(&watched, 120, 40));
        assert_snapshot!("processes_60x15", screen(&watched, 60, 15));
    }

    #[test]
    fn on_every_screen_it_is_said_how_the_others_are() {
        let watched = on_screen('1');
        let screen = screen(&watched, 80, 24);
        assert!(screen.to_string().contains(" 1 of 3  4242 HEALTHY   4243 BLOCKED   4244 GONE "), "{screen}");
        let buffer = screen.buffer();
        let of = |text: &str| {
            (0..24).find_map(|y| {
                let row: String = (0..80).map(|x| buffer[(x, y)].symbol()).collect();
                row.find(text).map(|at| buffer[(row[..at].chars().count() as u16, y)].style())
            })
        };
        assert_eq!(of("4243 BLOCKED").and_then(|style| style.fg), Some(Color::Red));
        assert_eq!(of("4244 GONE").and_then(|style| style.fg), Some(Color::Yellow));
    }

    #[test]
    fn a_choice_of_processes() {
        let draw = |width, height| {
            let picker = picker();
            drawn(width, height, |frame| {
                draw_picker(frame, Theme::new(Palette::Dark, true, false), &picker, Duration::from_secs(8));
            })
        };
        assert_snapshot!("picker_80x24", draw(80, 24));
        assert_snapshot!("picker_120x40", draw(120, 40));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_keys_and_no_size_make_it_panic(
            keys in prop::collection::vec(prop::sample::select(vec![
                Key::Char('8'), Key::Char('p'), Key::Char('P'), Key::Char('s'), Key::Char('S'), Key::Char(' '), Key::Enter,
                Key::Esc, Key::Down, Key::Up, Key::End, Key::Left, Key::Tab, Key::Char('2'), Key::Char('?'), Key::Char('a'),
            ]), 0..12),
            width in 1_u16..130, height in 1_u16..45,
        ) {
            let (mut watched, mut picker) = (service(), picker());
            for key in keys {
                watched = watched.press(&[key]).later(Duration::from_millis(300));
                watched.model.advance(watched.ours);
                watched.model.settle();
                screen(&watched, width, height);
                picker.press(key, watched.ours);
                drawn(width, height, |frame| draw_picker(frame, Theme::new(Palette::Dark, true, false), &picker, watched.ours));
            }
        }
    }
}
