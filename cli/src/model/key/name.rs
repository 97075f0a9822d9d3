use super::{Action, Key};
use crate::model::screen::Screen;

/// Keys by the names that settings call them by.
const NAMED: [(&str, Key); 20] = [
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("shift-left", Key::ShiftLeft),
    ("shift-right", Key::ShiftRight),
    ("pageup", Key::PageUp),
    ("pagedown", Key::PageDown),
    ("home", Key::Home),
    ("end", Key::End),
    ("tab", Key::Tab),
    ("shift-tab", Key::BackTab),
    ("enter", Key::Enter),
    ("esc", Key::Esc),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("ctrl-u", Key::CtrlU),
    ("ctrl-w", Key::CtrlW),
    ("ctrl-c", Key::CtrlC),
    ("space", Key::Char(' ')),
];

impl Key {
    /// The key that settings call so: a letter or sign stands for itself.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut letters = name.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if !letter.is_control() => Some(Self::Char(letter)),
            _ => NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, key)| *key),
        }
    }

    /// The names of those that are no letter or sign.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }

    /// As settings call it.
    pub(crate) fn name(self) -> String {
        let named = NAMED.iter().find(|(_, key)| *key == self).map(|(name, _)| (*name).to_owned());
        match self {
            Self::Char(letter) if letter != ' ' => letter.to_string(),
            _ => named.unwrap_or_default(),
        }
    }

    /// As people write it.
    pub(crate) fn in_words(self) -> String {
        match self {
            Self::Up => "↑".to_owned(),
            Self::Down => "↓".to_owned(),
            Self::Left => "←".to_owned(),
            Self::Right => "→".to_owned(),
            Self::ShiftLeft => "Shift-←".to_owned(),
            Self::ShiftRight => "Shift-→".to_owned(),
            Self::PageUp => "PgUp".to_owned(),
            Self::PageDown => "PgDn".to_owned(),
            Self::Char(letter) if letter != ' ' => letter.to_string(),
            _ => {
                let capital = |part: &str| {
                    let mut letters = part.chars();
                    letters
                        .next()
                        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
                };
                self.name().split('-').map(capital).collect::<Vec<_>>().join("-")
            }
        }
    }
}

impl Action {
    /// As settings call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Up => "up",
            Self::Down => "down",
            Self::PageUp => "page-up",
            Self::PageDown => "page-down",
            Self::First => "first",
            Self::Last => "last",
            Self::Screen(Screen::Overview) => "overview",
            Self::Screen(Screen::Stalls) => "stalls",
            Self::Screen(Screen::Tasks) => "tasks",
            Self::Screen(Screen::Handlers) => "handlers",
            Self::Screen(Screen::Sockets) => "sockets",
            Self::Screen(Screen::Workers) => "workers",
            Self::Screen(Screen::Runtime) => "runtime",
            Self::Screen(Screen::Processes) => "processes",
            Self::NextScreen => "next-screen",
            Self::PreviousScreen => "previous-screen",
            Self::Open => "open",
            Self::Back => "back",
            Self::Pause => "pause",
            Self::Mode => "mode",
            Self::Sort => "sort",
            Self::Reverse => "reverse",
            Self::Filter => "filter",
            Self::Export => "export",
            Self::Copy => "copy",
            Self::Edit => "edit",
            Self::Longer => "longer",
            Self::Shorter => "shorter",
            Self::Reset => "reset",
            Self::Whole => "whole",
            Self::Help => "help",
            Self::Earlier => "earlier",
            Self::Later => "later",
            Self::MuchEarlier => "much-earlier",
            Self::MuchLater => "much-later",
            Self::PreviousStall => "previous-stall",
            Self::NextStall => "next-stall",
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Newest => "newest",
            Self::NextProcess => "next-process",
            Self::PreviousProcess => "previous-process",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KEYS;

    #[test]
    fn every_key_that_is_bound_has_a_name_that_leads_back_to_it() {
        for key in KEYS.iter().flat_map(|binding| binding.keys) {
            assert_eq!(Key::named(&key.name()), Some(*key));
        }
        assert_eq!(Key::named("Shift-Tab"), Some(Key::BackTab));
        assert_eq!(Key::named("spcae"), None);
    }

    #[test]
    fn keys_are_written_as_people_write_them() {
        let written = [Key::Up, Key::Char('k'), Key::Char(' '), Key::BackTab, Key::CtrlC].map(Key::in_words);
        assert_eq!(written, ["↑", "k", "Space", "Shift-Tab", "Ctrl-C"]);
    }

    #[test]
    fn no_two_actions_have_one_name() {
        let mut names: Vec<_> = KEYS.iter().map(|binding| binding.action.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KEYS.len());
    }
}
