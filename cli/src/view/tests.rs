mod colours;

use super::theme::signs::is_known;
use super::{Palette, Theme, draw};
use crate::model::{Key, Msg};
use crate::scenario::{Scenario, Watched};
use crate::source::{Ending, Message};
use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};
use stallscope_wire::{Coverage, Gap, Line, Lost, Mode};
use std::time::Duration;

fn dark() -> Theme {
    Theme::new(Palette::Dark, true, false)
}

fn screen(watched: &Watched, width: u16, height: u16) -> TestBackend {
    backend(watched, dark(), width, height)
}

fn backend(watched: &Watched, theme: Theme, width: u16, height: u16) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal never fails");
    terminal
        .draw(|frame| drop(draw(frame, &watched.model, theme, watched.ours)))
        .expect("a test terminal never fails");
    terminal.backend().clone()
}

fn drawn(watched: &Watched, theme: Theme, width: u16, height: u16) -> Buffer {
    backend(watched, theme, width, height).buffer().clone()
}

/// Both sizes that every screen is looked at in.
macro_rules! assert_screens {
    ($name:literal, $watched:expr) => {
        assert_snapshot!(concat!($name, "_80x24"), screen($watched, 80, 24));
        assert_snapshot!(concat!($name, "_120x40"), screen($watched, 120, 40));
    };
}

/// The style in which a text stands on the screen, where it stands first.
fn style_of(watched: &Watched, text: &str) -> Style {
    let screen = screen(watched, 120, 40);
    let buffer = screen.buffer();
    for y in 0..40 {
        let row: Vec<char> =
            (0..120).map(|x| buffer[(x, y)].symbol().chars().next().unwrap_or(' ')).collect();
        let row: String = row.into_iter().collect();
        if let Some(at) = row.find(text) {
            return buffer[(row[..at].chars().count() as u16, y)].style();
        }
    }
    panic!("{text:?} is not on the screen:\n{screen}");
}

fn serving() -> Scenario {
    Scenario::new().quiet(45).sockets(0)
}

fn blocked() -> Scenario {
    serving().computes(1, 240).quiet(20).sleeps(2, 312).sockets(600)
}

#[test]
fn a_healthy_process() {
    assert_screens!("healthy", &serving().live());
}

#[test]
fn handlers_in_full() {
    assert_screens!("handlers", &serving().live().press(&[Key::Char('4')]));
}

#[test]
fn sockets_in_full() {
    assert_screens!("sockets_waiting", &blocked().live().press(&[Key::Char('5')]));
}

#[test]
fn workers_in_full() {
    assert_screens!("workers", &blocked().live().press(&[Key::Char('6')]));
}

#[test]
fn findings_in_full() {
    assert_screens!("stalls", &blocked().live().press(&[Key::Char('2')]));
}

#[test]
fn a_row_in_full() {
    let keys = [Key::Char('4'), Key::Down, Key::Enter];
    assert_snapshot!("row_80x24", screen(&serving().live().press(&keys), 80, 24));
}

#[test]
fn a_stall_in_progress() {
    assert_screens!("stall", &blocked().live());
}

#[test]
fn a_stall_in_full() {
    assert_screens!("stack", &blocked().live().press(&[Key::Enter]));
}

#[test]
fn a_stall_that_requests_waited_behind() {
    assert_screens!("victims", &serving().computes(1, 240).live().press(&[Key::Enter]));
}

#[test]
fn a_process_that_ended() {
    assert_screens!("ended", &blocked().wakes(2).ends().logged(Ending::Orderly));
}

#[test]
fn a_process_that_was_killed_in_a_stall() {
    assert_screens!("killed", &blocked().logged(Ending::Abrupt));
}

#[test]
fn losses_and_blind_spots() {
    let lost = Lost { events: 3, stacks: 1, ..Lost::default() };
    let mut coverage = Coverage::whole();
    coverage.add(Gap::new("tasks of a LocalSet", "use stallscope::spawn_local"));
    let watched = serving().line(Line::Lost(lost)).line(Line::Coverage(coverage)).live();
    assert_screens!("losses", &watched);
    assert_eq!(style_of(&watched, "LOST").fg, Some(Color::Red));
}

#[test]
fn what_a_demo_does_is_said_in_one_line() {
    let mut watched = serving().live();
    let remark =
        "stall (7s): /blocking/sleep among the rest · p99 of GET /: calm 25ms, and more that has no room";
    watched.model.remark = Some(("DEMO", remark.to_owned()));
    let screen = screen(&watched, 80, 24).to_string();
    let line = screen.lines().find(|line| line.contains(" DEMO ")).expect(&screen);
    assert!(line.contains("stall (7s): /blocking/sleep") && line.contains('…'), "{line}");
}

#[test]
fn connections_that_are_left_open() {
    let watched = serving().leaves_open(14).live();
    assert_screens!("leaking", &watched);
    let watched = watched.press(&[Key::Char('5')]);
    assert_screens!("sockets", &watched);
    assert_eq!(style_of(&watched.press(&[Key::Down]), "14     14s").fg, Some(Color::Red));
}

#[test]
fn a_small_terminal_keeps_what_matters() {
    assert_snapshot!("small_60x15", screen(&blocked().live(), 60, 15));
}

#[test]
fn the_help_is_the_key_table() {
    assert_snapshot!("help_80x24", screen(&serving().live().press(&[Key::Char('?')]), 80, 24));
}

#[test]
fn a_blocked_worker_is_loud() {
    let style = style_of(&blocked().live(), "BLOCKED  312ms  src");
    assert_eq!((style.bg, style.fg), (Some(Color::Red), Some(Color::White)));
    let bold = |text| style_of(&blocked().live(), text).add_modifier.contains(Modifier::BOLD);
    assert!(bold("BLOCKED") && bold("src/report.rs:42"));
}

#[test]
fn the_culprit_stands_out_of_its_stack() {
    let opened = blocked().live().press(&[Key::Enter, Key::Home]);
    assert_eq!(style_of(&opened, "▶ shop_api::report::render").fg, Some(Color::Red));
    assert!(style_of(&opened, "core::ops::function::FnOnce").add_modifier.contains(Modifier::DIM));
}

#[test]
fn without_colour_signs_and_weight_remain() {
    let watched = blocked().live();
    let drawn = drawn(&watched, Theme::new(Palette::Dark, false, false), 120, 40);
    let plain = |style: Style| {
        style.fg.is_none_or(|fg| fg == Color::Reset) && style.bg.is_none_or(|bg| bg == Color::Reset)
    };
    assert!(drawn.content().iter().all(|cell| plain(cell.style())));
}

#[test]
fn every_sign_has_a_twin_in_ascii_that_takes_its_place() {
    let drawn = |watched: &Watched, ascii| drawn(watched, Theme::new(Palette::Dark, true, ascii), 120, 40);
    for scenario in [blocked(), spawning(), serving().leaves_open(14)] {
        for keys in [&[][..], &[Key::Char('3')], &[Key::Enter], &[Key::Char('?')]] {
            let watched = scenario.clone().live().press(keys);
            let (signs, twins) = (drawn(&watched, false), drawn(&watched, true));
            for (sign, twin) in signs.content().iter().zip(twins.content()) {
                assert!(is_known(sign.symbol()), "{:?} has no twin", sign.symbol());
                assert!(twin.symbol().is_ascii(), "{:?}", twin.symbol());
                assert_eq!(sign.style(), twin.style());
            }
        }
    }
}

#[test]
fn each_palette_has_colours_of_its_own_and_only_contrast_a_ground() {
    let drawn = |palette| drawn(&blocked().live(), Theme::new(palette, true, false), 120, 40);
    let badge = |buffer: &Buffer| buffer.content().iter().find(|cell| cell.symbol() == "B").map(Cell::style);
    let of = |palette| badge(&drawn(palette)).and_then(|style| style.fg.zip(style.bg));
    assert_eq!(of(Palette::Dark), Some((Color::White, Color::Red)));
    assert_eq!(of(Palette::Light), Some((Color::Indexed(231), Color::Indexed(124))));
    assert_eq!(of(Palette::Contrast), Some((Color::Indexed(16), Color::Indexed(210))));
    for (palette, grounds) in [(Palette::Light, true), (Palette::Contrast, false)] {
        let drawn = drawn(palette);
        assert_eq!(drawn.content().iter().any(|cell| cell.bg == Color::Reset), grounds, "{palette:?}");
        assert!(drawn.content().iter().all(|cell| cell.modifier & Modifier::DIM == Modifier::empty()));
    }
}

#[test]
fn a_stall_grows_between_lines() {
    let later = blocked().live().later(Duration::from_millis(500));
    let screen = screen(&later, 120, 40).to_string();
    assert!(screen.contains("has been blocked 812ms at src/report.rs:42"), "{screen}");
}

#[test]
fn the_mode_that_holds_and_what_was_asked_for_are_shown() {
    let shown = |watched: &Watched| screen(watched, 120, 40).to_string();
    let asked = serving().takes_requests().live().press(&[Key::Char('m'), Key::Char('l')]);
    assert!(shown(&asked).contains("asked the process for mode lean"), "{}", shown(&asked));
    let mut followed = asked;
    followed.model.request();
    let mut snapshot = followed.model.process().history.snapshot().expect("a snapshot").clone();
    snapshot.mode = Mode::Lean;
    followed.update(Msg::Source(0, Message::Line(Box::new(Line::Snapshot(snapshot)), Vec::new())));
    assert!(shown(&followed).contains("exact, lean") && !shown(&followed).contains("asked"));
}

#[test]
fn a_frozen_screen_says_so_and_stands() {
    let mut frozen = blocked().live().press(&[Key::Char(' ')]).later(Duration::from_secs(2));
    frozen.update(Msg::Source(0, Message::Ended(Ending::Abrupt)));
    let screen = screen(&frozen, 120, 40).to_string();
    assert!(
        screen.contains("PAUSED 08:01:05 UTC, 2s behind live") && screen.contains("has been blocked 312ms"),
        "{screen}"
    );
}

#[test]
fn a_process_that_says_nothing_is_told_apart_from_a_healthy_one() {
    let screen = screen(&serving().live().later(Duration::from_secs(5)), 120, 40).to_string();
    assert!(screen.contains("SILENT") && screen.contains("said nothing for 5s"), "{screen}");
}

fn spawning() -> Scenario {
    serving().spawns()
}

#[test]
fn tasks_by_their_spawn_location() {
    let watched = spawning().live().press(&[Key::Char('3')]);
    assert_screens!("tasks", &watched);
    assert_snapshot!("tasks_60x15", screen(&watched, 60, 15));
}

#[test]
fn one_spawn_location_in_full() {
    let watched = spawning().live().press(&[Key::Char('3'), Key::Down, Key::Enter]);
    assert_screens!("site", &watched);
}

#[test]
fn a_line_that_leaks_tasks() {
    let watched = serving().leaks(20).live();
    assert_screens!("leak", &watched);
    assert_snapshot!("leak_site_80x24", screen(&watched.press(&[Key::Char('3'), Key::Enter]), 80, 24));
}

#[test]
fn a_finding_without_a_stack_in_full() {
    assert_screens!("unpolled", &serving().starves(8).live().press(&[Key::Enter]));
}

#[test]
fn more_spawn_locations_than_are_told_apart() {
    let lost = Lost { locations: 70_000, ..Lost::default() };
    let watched = spawning().line(Line::Lost(lost)).live().press(&[Key::Char('3')]);
    let told = screen(&watched, 120, 40).to_string();
    assert!(told.contains("More lines spawn tasks than there is room to tell apart"), "{told}");
    let small = screen(&watched, 60, 15).to_string();
    assert!(small.contains("are in no row"), "{small}");
}

#[test]
fn a_tier_that_knows_no_tasks_says_so_and_the_cure() {
    let watched = serving().sampled().live().press(&[Key::Char('3')]);
    let told = screen(&watched, 80, 24).to_string();
    assert!(
        told.contains("tier sampled knows") && told.contains("--cfg") && told.contains("tokio_unstable"),
        "{told}"
    );
}

#[test]
fn what_is_sorted_by_is_marked_and_shown_on_every_width() {
    for (screen_key, steps) in
        ['2', '3', '4', '5', '6'].into_iter().flat_map(|key| (1..9).map(move |n| (key, n)))
    {
        let keys: Vec<_> =
            std::iter::once(Key::Char(screen_key)).chain(vec![Key::Char('s'); steps]).collect();
        let watched = blocked().spawns().live().press(&keys);
        for width in [40, 60, 80, 200] {
            let told = screen(&watched, width, 20).to_string();
            assert!(told.contains(['▼', '▲']), "{told}");
        }
    }
}

#[test]
fn a_table_of_tasks_loses_columns_and_no_digits() {
    let watched = spawning().live().press(&[Key::Char('3')]);
    for width in 50..160 {
        let told = screen(&watched, width, 20).to_string();
        let row = told.lines().find(|line| line.contains("session.rs:64:9")).expect("its row");
        assert!(row.contains(" 1240"), "{width}: {row}");
        assert!(!row.trim_end_matches(['"', ' ']).ends_with('…'), "{width}: {row}");
    }
}
