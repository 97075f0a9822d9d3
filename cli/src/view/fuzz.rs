//! Whatever is pressed, clicked and resized, in whatever order: it is drawn, and nothing panics.

use super::{Palette, Theme, draw};
use crate::model::{Gesture, KEYS, Key, Mouse, Msg, Spots};
use crate::scenario::{Scenario, Watched};
use crate::source::Ending;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::time::Duration;

/// What happens to the dashboard.
#[derive(Debug, Clone)]
enum Happening {
    Key(Key),
    Mouse(Mouse),
    Resize(u16, u16),
    /// Milliseconds in which the process says nothing.
    Silence(u64),
    /// Of the lines that are still to come, so many come.
    Lines(usize),
}

fn any_key() -> impl Strategy<Value = Key> {
    let bound: Vec<_> =
        KEYS.iter().flat_map(|binding| binding.keys).copied().filter(|key| !ends(*key)).collect();
    let of_text =
        vec![Key::Backspace, Key::Delete, Key::CtrlU, Key::CtrlW, Key::Left, Key::Right, Key::Home, Key::End];
    prop_oneof![
        5 => proptest::sample::select(bound),
        1 => proptest::sample::select(of_text),
        1 => any::<char>().prop_filter("it ends nothing", |letter| *letter != 'q').prop_map(Key::Char),
    ]
}

/// After it there is nothing to see.
fn ends(key: Key) -> bool {
    matches!(key, Key::Char('q') | Key::CtrlC)
}

fn happening() -> impl Strategy<Value = Happening> {
    let gesture = proptest::sample::select(vec![Gesture::Click, Gesture::WheelUp, Gesture::WheelDown]);
    prop_oneof![
        8 => any_key().prop_map(Happening::Key),
        2 => (gesture, 0u16..170, 0u16..60).prop_map(|(does, x, y)| Happening::Mouse(Mouse { does, x, y })),
        1 => (0u16..170, 0u16..60).prop_map(|(width, height)| Happening::Resize(width, height)),
        1 => (0u64..20_000).prop_map(Happening::Silence),
        1 => (0usize..60).prop_map(Happening::Lines),
    ]
}

fn drawn(terminal: &mut Terminal<TestBackend>, watched: &mut Watched, theme: Theme) {
    watched.model.advance(watched.ours);
    watched.model.settle();
    let mut spots = Spots::default();
    terminal
        .draw(|frame| spots = draw(frame, &watched.model, theme, watched.ours))
        .expect("a test terminal never fails");
    watched.model.drawn(spots);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nothing_makes_it_panic(
        happenings in prop::collection::vec(happening(), 0..40),
        (width, height) in (0u16..170, 0u16..60),
        told in 0usize..160,
        (recorded, several, requests) in any::<(bool, bool, bool)>(),
        palette in proptest::sample::select(vec![Palette::Dark, Palette::Light, Palette::Contrast]),
        (color, ascii) in any::<(bool, bool)>(),
    ) {
        let mut scenario = Scenario::new().quiet(20).sockets(600).computes(1, 240).quiet(20).leaks(12).spawns().sleeps(2, 312);
        if requests {
            scenario = scenario.takes_requests();
        }
        let lines = scenario.lines.split_off(told.min(scenario.lines.len()));
        let mut watched = if recorded { scenario.logged(Ending::Cut) } else { scenario.live() };
        if several {
            let header = watched.model.process().header().clone();
            let origin = watched.model.process().origin.clone();
            watched.model.come(1, header, origin, watched.ours);
        }
        let mut lines = lines.into_iter();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal never fails");
        let theme = Theme::new(palette, color, ascii);
        drawn(&mut terminal, &mut watched, theme);
        for happening in happenings {
            match happening {
                Happening::Key(key) => watched.update(Msg::Key(key)),
                Happening::Mouse(mouse) => watched.update(Msg::Mouse(mouse)),
                Happening::Resize(width, height) => terminal.backend_mut().resize(width, height),
                Happening::Silence(ms) => watched.ours += Duration::from_millis(ms),
                Happening::Lines(count) => {
                    lines.by_ref().take(count).for_each(|line| watched.model.apply(line, watched.ours));
                }
            }
            // What is asked of the outside is somebody else's.
            while watched.model.effect().is_some() {}
            watched.model.request();
            drawn(&mut terminal, &mut watched, theme);
        }
    }
}
