//! Every screen at every size that it is looked at in, with its colours: a letter for each cell's style below the text.

use super::{Watched, blocked, dark, drawn, serving};
use crate::model::{AROUND, Excerpt, Key, Msg};
use insta::assert_snapshot;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use std::fmt::Write as _;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 15)];

/// `.` is plain text, and what is only blank; capital letters are bold, underlined ones do not occur.
fn letter(style: Style, blank: bool) -> char {
    let has = |modifier| style.add_modifier.contains(modifier);
    let fg = style.fg.filter(|fg| *fg != Color::Reset);
    let bg = style.bg.filter(|bg| *bg != Color::Reset);
    let letter = match (bg, fg) {
        (Some(Color::Red), _) => 'X',
        (Some(Color::Yellow), _) => 'W',
        (Some(Color::Green), _) => 'H',
        (Some(_), _) => 'N',
        (None, Some(Color::Red)) if has(Modifier::REVERSED) => 'x',
        _ if has(Modifier::REVERSED) => 'm',
        _ if blank => '.',
        (None, Some(Color::Red)) => 'r',
        (None, Some(Color::Yellow)) => 'y',
        (None, Some(Color::Green)) => 'g',
        (None, Some(_)) => '?',
        (None, None) if has(Modifier::DIM) => 'd',
        (None, None) if has(Modifier::BOLD) => 'b',
        (None, None) => '.',
    };
    if has(Modifier::BOLD) && !matches!(letter, '.' | 'b') { letter.to_ascii_uppercase() } else { letter }
}

fn with_styles(buffer: &Buffer) -> String {
    let (width, mut told) = (buffer.area.width as usize, String::new());
    let rows = || buffer.content().chunks(width);
    for row in rows() {
        let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        let _ = writeln!(told, "|{}", text.trim_end());
    }
    for row in rows() {
        let styles: String =
            row.iter().map(|cell| letter(cell.style(), cell.symbol().trim().is_empty())).collect();
        let _ = writeln!(told, "|{}", styles.trim_end_matches('.'));
    }
    told
}

fn assert_everywhere(name: &str, watched: &Watched) {
    for (width, height) in SIZES {
        let told = with_styles(&drawn(watched, dark(), width, height));
        assert_snapshot!(format!("{name}_{width}x{height}_styles"), told);
    }
}

/// Something is to be seen on each screen.
fn troubled() -> Watched {
    serving().sockets(0).spawns().leaves_open(14).computes(1, 240).quiet(20).sleeps(2, 312).live()
}

#[test]
fn every_screen_in_its_colours() {
    for (key, name) in [
        ('1', "overview"),
        ('2', "stalls"),
        ('3', "tasks"),
        ('4', "handlers"),
        ('5', "sockets"),
        ('6', "workers"),
        ('7', "runtime"),
    ] {
        assert_everywhere(&format!("screen_{name}"), &troubled().press(&[Key::Char(key)]));
    }
}

#[test]
fn what_is_opened_on_other_screens_in_its_colours() {
    for (key, name) in [('4', "route"), ('5', "socket"), ('6', "worker")] {
        assert_everywhere(&format!("opened_{name}"), &troubled().press(&[Key::Char(key), Key::Enter]));
    }
}

#[test]
fn a_stall_with_its_source_lines_in_its_colours() {
    let mut opened = troubled().press(&[Key::Enter]);
    let place = opened.model.wanted_lines(opened.ours).expect("it shows a line");
    assert_eq!((place.file.as_str(), place.line), ("src/report.rs", 42));
    let code = [
        "pub(crate) fn render(month: Month) -> Report {",
        "    let rows = rows_of(month);",
        "    // The printer is slow.",
        "    std::thread::sleep(Duration::from_millis(350));",
        "    Report::of(&rows)",
        "}",
    ];
    let lines = (0..=2 * AROUND as usize).map(|line| code[(line + 3) % code.len()].to_owned()).collect();
    let excerpt = Excerpt { first: 42 - AROUND, lines, changed: false };
    opened.update(Msg::Excerpt(Box::new(place), Some(excerpt)));
    assert_everywhere("stall_with_source", &opened);
    assert_eq!(opened.model.wanted_lines(opened.ours), None, "it was read");
    let above = opened.press(&[Key::Up]);
    let place = above.model.wanted_lines(above.ours).expect("the marked frame has a line too");
    assert_eq!((place.file.as_str(), place.line), ("library/core/src/ops/function.rs", 250));
    let shown = with_styles(&drawn(&above, dark(), 80, 24));
    assert!(shown.contains("Source, src/report.rs:42"), "until it is read: {shown}");
    assert_everywhere("stalls_with_source", &above.press(&[Key::Esc, Key::Char('2')]));
}

#[test]
fn what_is_wrong_now_is_red_on_every_screen_that_shows_it() {
    for key in ['1', '2', '6'] {
        let drawn = drawn(&blocked().live().press(&[Key::Char(key)]), dark(), 120, 40);
        let told = with_styles(&drawn);
        assert!(told.contains('X') && told.contains('R'), "{told}");
    }
}
