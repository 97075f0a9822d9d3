//! What keys and the mouse do, as it is seen on the screen.

use super::{Palette, Theme, draw};
use crate::model::{Effect, Format, Gesture, Key, Mouse, Msg, Opened, Prompt, Screen, Spots};
use crate::scenario::{Scenario, Watched};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use stallscope_wire::{Mode, Request};

fn stalled() -> Scenario {
    Scenario::new().quiet(5).computes(1, 240).quiet(30).sleeps(2, 312)
}

fn typed(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

fn rows(watched: &Watched) -> Vec<String> {
    let listed = watched.model.listed(watched.ours);
    listed.table.rows.iter().map(|row| row.cells[0].value.shown().into_owned()).collect()
}

fn notice(watched: &Watched) -> String {
    watched.model.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

/// Draws it, as the loop does: keys and the mouse depend on what stands where.
fn drawn(mut watched: Watched, width: u16, height: u16) -> (Watched, String) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal never fails");
    let mut spots = Spots::default();
    let theme = Theme::new(Palette::Dark, true, false);
    terminal
        .draw(|frame| spots = draw(frame, &watched.model, theme, watched.ours))
        .expect("a test terminal never fails");
    watched.model.drawn(spots);
    (watched, terminal.backend().to_string())
}

fn click(mut watched: Watched, text: &str) -> Watched {
    let (drawn, screen) = drawn(watched, 120, 40);
    watched = drawn;
    let found = screen.lines().enumerate().find_map(|(y, line)| {
        // The backend's text stands in quotes.
        let at = line.find(text)?;
        Some((line[..at].chars().count() as u16 - 1, y as u16))
    });
    let (x, y) = found.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{screen}"));
    watched.update(Msg::Mouse(Mouse { does: Gesture::Click, x, y }));
    watched
}

#[test]
fn a_filter_follows_each_key_and_esc_takes_it_back() {
    let watched = stalled().live().press(&[Key::Char('2'), Key::Char('/')]);
    assert_eq!(rows(&watched).len(), 2);
    let watched = watched.press(&typed("REP"));
    assert_eq!(rows(&watched), ["src/report.rs:42"]);
    let watched = watched.press(&typed(" nanosleep"));
    assert_eq!(rows(&watched), ["src/report.rs:42"], "each word stands in some cell");
    let watched = watched.press(&typed("q"));
    assert!(rows(&watched).is_empty() && !watched.model.quit, "q is a letter here");
    let watched = watched.press(&[Key::Backspace, Key::Enter, Key::Char('j')]);
    assert_eq!(rows(&watched), ["src/report.rs:42"]);
    assert!(watched.model.prompt.is_none());
    let watched = watched.press(&[Key::Esc]);
    assert_eq!((rows(&watched).len(), watched.model.navigation.screen), (2, Screen::Stalls));
    assert_eq!(watched.press(&[Key::Esc]).model.navigation.screen, Screen::Overview);
}

#[test]
fn a_filter_that_no_row_has_says_so() {
    let watched = stalled().live().press(&[Key::Char('2'), Key::Char('/')]).press(&typed("zz"));
    let (_, screen) = drawn(watched, 80, 24);
    assert!(screen.contains("none of 2 has \"zz\": Esc shows all"), "{screen}");
    assert!(screen.contains(" /zz ") && screen.contains("0 of 2"), "{screen}");
}

#[test]
fn where_there_is_no_list_there_is_nothing_to_filter_or_to_write() {
    for key in ['/', 'x'] {
        let watched = stalled().live().press(&[Key::Enter, Key::Char(key)]);
        assert!(watched.model.prompt.is_none() && notice(&watched).contains("no list here"), "{key}");
    }
}

#[test]
fn an_export_asks_for_the_format_and_has_what_is_shown() {
    let watched = stalled().live().press(&[Key::Char('2'), Key::Char('/')]).press(&typed("report"));
    let watched = watched.press(&[Key::Enter, Key::Char('x')]);
    assert!(matches!(watched.model.prompt, Some(Prompt::Export)));
    let mut watched = watched.press(&[Key::Char('c')]);
    let Some(Effect::Write(export)) = watched.model.effect() else { panic!("nothing is written") };
    assert_eq!((export.format, export.rows, export.stem.as_str()), (Format::Csv, 1, "shop-api-4242-stalls"));
    assert!(export.text.contains("\nsrc/report.rs:42,shop_api::report::render,clock_nanosleep,1,312000000,"));
    let mut watched = watched.press(&[Key::Char('x'), Key::Esc]);
    assert_eq!((watched.model.effect(), notice(&watched).as_str()), (None, "nothing was written"));
}

#[test]
fn the_place_is_copied_and_edited_where_there_is_one_and_else_the_row() {
    let copied = |watched: Watched| match watched.press(&[Key::Char('y')]).model.effect() {
        Some(Effect::Copy(text)) => text,
        other => panic!("{other:?}"),
    };
    let edited = |watched: Watched| match watched.press(&[Key::Char('e')]).model.effect() {
        Some(Effect::Edit(place)) => place.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(copied(stalled().live()), "src/report.rs:42");
    assert_eq!(edited(stalled().live().press(&[Key::Down])), "src/password.rs:88");
    let stack = stalled().live().press(&[Key::Enter, Key::Down]);
    assert_eq!(edited(stack), "src/report.rs:17", "the frame that is marked");
    let tasks = Scenario::new().quiet(30).spawns().live().press(&[Key::Char('3')]);
    assert_eq!(edited(tasks), "src/session.rs:64");
    let handlers = stalled().live().press(&[Key::Char('4')]);
    assert!(copied(handlers).starts_with("POST /orders  "));
    let mut handlers = stalled().live().press(&[Key::Char('4'), Key::Char('e')]);
    assert_eq!(handlers.model.effect(), None);
    assert!(notice(&handlers).contains("no line of source code"));
}

#[test]
fn the_mode_is_changed_only_after_the_answer() {
    let mut watched = stalled().takes_requests().live().press(&[Key::Char('m')]);
    assert_eq!(watched.model.request(), None);
    let (mut watched, screen) = {
        let (drawn, screen) = drawn(watched, 80, 24);
        (drawn, screen)
    };
    assert!(screen.contains("mode, now full   f full   l lean   o off"), "{screen}");
    watched = watched.press(&[Key::Char('m')]);
    assert_eq!((watched.model.request(), notice(&watched).as_str()), (None, "the mode is left as it is"));
    for (key, mode) in [('l', Mode::Lean), ('o', Mode::Off), ('f', Mode::Full)] {
        watched = watched.press(&[Key::Char('m'), Key::Char(key)]);
        assert_eq!(watched.model.request(), Some(Request::Set { mode }));
        assert_eq!(watched.model.request(), None, "it is asked once");
        assert!(watched.model.switching.notice().unwrap().contains(&mode.to_string()));
    }
}

#[test]
fn a_mode_that_cannot_be_changed_says_why_and_asks_nothing() {
    use crate::source::Ending;
    for (watched, why) in [
        (stalled().takes_requests().logged(Ending::Orderly), "a recording"),
        (stalled().live(), "cannot change its mode while it runs"),
    ] {
        let mut watched = watched.press(&[Key::Char('m')]);
        assert!(notice(&watched).contains(why) && watched.model.prompt.is_none());
        assert_eq!(watched.model.request(), None);
        assert_eq!(notice(&watched.press(&[Key::Down])), "", "the next key goes on");
    }
}

#[test]
fn stalls_below_a_threshold_are_hidden_and_it_says_so() {
    let watched = stalled().live().press(&[Key::Char('2'), Key::Char('+'), Key::Char('+')]);
    assert_eq!(notice(&watched), "stalls are listed from 500ms on");
    let (watched, screen) = drawn(watched, 80, 24);
    assert!(screen.contains("all 2 are shorter than what is listed: - lists shorter ones too"), "{screen}");
    let watched = watched.press(&[Key::Char('-'), Key::Down]);
    assert_eq!(rows(&watched).len(), 2);
    let watched = watched.press(&[Key::Char('+'), Key::Char('-'), Key::Char('-'), Key::Char('-')]);
    assert!(notice(&watched).starts_with("the process tells of no stall below its own threshold, 100ms"));
}

#[test]
fn what_a_threshold_hides_is_counted_in_the_bottom_line() {
    let watched = Scenario::new().quiet(5).computes(1, 140).quiet(30).sleeps(2, 312).live();
    let (_, screen) = drawn(watched.press(&[Key::Char('+'), Key::Down]), 120, 40);
    assert!(screen.contains("1 shorter than 200ms hidden"), "{screen}");
}

/// What the rows have in a column.
fn figures(watched: &Watched, column: &str) -> Vec<f64> {
    let table = watched.model.listed(watched.ours).table;
    let exported = table.export(Format::Json).expect("it is written");
    let rows: serde_json::Value = serde_json::from_str(&exported).expect("JSON");
    rows.as_array().expect("rows").iter().filter_map(|row| row[column].as_f64()).collect()
}

#[test]
fn a_reset_counts_from_here_on_and_can_be_taken_back() {
    let scenario = Scenario::new().quiet(5).computes(1, 240).quiet(30);
    let later = scenario.clone().computes(2, 150).quiet(1).lines.split_off(scenario.lines.len());
    let mut watched = scenario.live().press(&[Key::Char('4')]);
    let before = figures(&watched, "total");
    watched = watched.press(&[Key::Char('r')]);
    assert!(notice(&watched).contains("counted from here on"), "{}", notice(&watched));
    assert!(watched.model.shown(watched.ours).0.findings.is_empty());
    for line in later {
        watched.model.apply(line, watched.ours);
    }
    watched.model.settle();
    let since = figures(&watched, "total");
    watched = watched.press(&[Key::Char('R')]);
    let all = figures(&watched, "total");
    assert_eq!(all, before.iter().zip(&since).map(|(before, since)| before + since).collect::<Vec<_>>());
    assert!(since.iter().all(|&requests| requests > 0.0));
    watched = watched.press(&[Key::Char('2')]);
    assert_eq!(figures(&watched, "count"), [2.0]);
}

#[test]
fn that_it_is_counted_from_here_on_stays_on_the_screen() {
    let watched = stalled().live().press(&[Key::Char('r'), Key::Char('3')]);
    let (_, screen) = drawn(watched, 80, 24);
    assert!(screen.contains("counted since 08:00:35"), "{screen}");
}

#[test]
fn of_a_recording_nothing_is_counted_from_here_on() {
    let watched = stalled().logged(crate::source::Ending::Orderly).press(&[Key::Char('r')]);
    assert!(notice(&watched).starts_with("nothing more comes"), "{}", notice(&watched));
    assert_eq!(watched.model.shown(watched.ours).0.findings.len(), 2);
}

#[test]
fn a_click_marks_a_row_and_another_opens_it() {
    let watched = click(stalled().live(), "src/password.rs:88");
    assert_eq!(watched.model.listed(watched.ours).marked, 1);
    let watched = click(watched, "src/password.rs:88");
    assert!(matches!(watched.model.navigation.opened, Some(Opened::Finding(_))));
}

#[test]
fn a_click_on_a_head_sorts_and_another_turns_the_order_round() {
    let watched = click(stalled().live().press(&[Key::Char('2')]), "longest");
    assert_eq!(rows(&watched), ["src/report.rs:42", "src/password.rs:88"]);
    let watched = click(watched, "longest");
    assert_eq!(rows(&watched), ["src/password.rs:88", "src/report.rs:42"]);
}

#[test]
fn a_click_on_a_name_leads_to_the_screen_and_the_wheel_moves() {
    let mut watched = click(Scenario::new().quiet(30).spawns().live(), "3 Tasks");
    assert_eq!(watched.model.navigation.screen, Screen::Tasks);
    watched.update(Msg::Mouse(Mouse { does: Gesture::WheelDown, x: 0, y: 0 }));
    assert_eq!(watched.model.listed(watched.ours).marked, 3);
    watched.update(Msg::Mouse(Mouse { does: Gesture::WheelUp, x: 0, y: 0 }));
    assert_eq!(watched.model.listed(watched.ours).marked, 0);
}

#[test]
fn the_help_scrolls_where_it_does_not_fit() {
    let (watched, screen) = drawn(stalled().live().press(&[Key::Char('?')]), 60, 15);
    assert!(screen.contains("↑ k") && screen.contains(" more ┘"), "{screen}");
    let (watched, screen) = drawn(watched.press(&[Key::End]), 60, 15);
    assert!(screen.contains("q Ctrl-C") && !screen.contains("↑ k"), "{screen}");
    let (watched, _) = drawn(watched.press(&[Key::Char('x'), Key::Down, Key::PageUp]), 60, 15);
    assert!(watched.model.prompt.is_none(), "the help covers what that would write");
    assert!(watched.press(&[Key::Char('q')]).model.quit);
}
