use crate::model::Level;
use ratatui::style::{Color, Modifier, Style};

/// How things look. Only the sixteen colours that a terminal's own palette defines, and none that says something alone:
/// all that is told by a colour is told by a word or a sign too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    color: bool,
}

impl Theme {
    pub(crate) fn new(color: bool) -> Self {
        Self { color }
    }

    fn fg(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    /// What is read first.
    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What is read last: units, rules, frames of other people's code.
    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What is wrong now.
    pub(crate) fn bad(self) -> Style {
        self.fg(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What was wrong, or may become so.
    pub(crate) fn warning(self) -> Style {
        self.fg(Color::Yellow)
    }

    pub(crate) fn good(self) -> Style {
        self.fg(Color::Green)
    }

    /// The line that keys move.
    pub(crate) fn marked(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A word on a ground of its own.
    pub(crate) fn badge(self, level: Level) -> Style {
        let ground = match level {
            Level::Good => Color::Green,
            Level::Neutral => Color::Gray,
            Level::Warning => Color::Yellow,
            Level::Bad => Color::Red,
        };
        let style = Style::new().add_modifier(Modifier::BOLD);
        match (self.color, level) {
            (false, _) => style.add_modifier(Modifier::REVERSED),
            (true, Level::Bad) => style.bg(ground).fg(Color::White),
            (true, _) => style.bg(ground).fg(Color::Black),
        }
    }

    /// Text of a level.
    pub(crate) fn level(self, level: Level) -> Style {
        match level {
            Level::Good => self.good(),
            Level::Neutral => Style::new(),
            Level::Warning => self.warning(),
            Level::Bad => self.bad(),
        }
    }
}
