pub(super) mod signs;

use crate::model::Level;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// How things look. None of the colours says something alone: all that is told by a colour is told by a word or a sign too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    palette: Palette,
    color: bool,
    ascii: bool,
}

/// What the colours are made for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Palette {
    /// A dark terminal: the sixteen colours that its own palette defines.
    #[default]
    Dark,
    /// A light terminal: darker tones of its own, since a yellow that is read on black is not read on white.
    Light,
    /// Eyes or screens that tell little apart: bright on black, and nothing is dimmed.
    Contrast,
}

/// The tones of a palette.
#[derive(Debug, Clone, Copy)]
struct Tones {
    bad: Color,
    warning: Color,
    good: Color,
    focus: Color,
    /// Of text that is dimmed; none where the terminal dims it.
    dim: Option<Color>,
    /// Of text and of what is behind it; none where it is the terminal's own.
    page: Option<(Color, Color)>,
    /// Of a word on a ground of its own: neutral, and the text on it, on the bad one and on the others.
    neutral: Color,
    on_bad: Color,
    on_other: Color,
}

const DARK: Tones = Tones {
    bad: Color::Red,
    warning: Color::Yellow,
    good: Color::Green,
    focus: Color::Cyan,
    dim: None,
    page: None,
    neutral: Color::Gray,
    on_bad: Color::White,
    on_other: Color::Black,
};

const LIGHT: Tones = Tones {
    bad: Color::Indexed(124),
    warning: Color::Indexed(130),
    good: Color::Indexed(22),
    focus: Color::Indexed(25),
    dim: Some(Color::Indexed(241)),
    page: None,
    neutral: Color::Indexed(240),
    on_bad: Color::Indexed(231),
    on_other: Color::Indexed(231),
};

const CONTRAST: Tones = Tones {
    bad: Color::Indexed(210),
    warning: Color::Indexed(226),
    good: Color::Indexed(120),
    focus: Color::Indexed(51),
    dim: Some(Color::Indexed(231)),
    page: Some((Color::Indexed(231), Color::Indexed(16))),
    neutral: Color::Indexed(231),
    on_bad: Color::Indexed(16),
    on_other: Color::Indexed(16),
};

impl Theme {
    /// `ascii`: each sign is drawn as its twin among the characters that every terminal has.
    pub(crate) fn new(palette: Palette, color: bool, ascii: bool) -> Self {
        Self { palette, color, ascii }
    }

    fn tones(self) -> Tones {
        match self.palette {
            Palette::Dark => DARK,
            Palette::Light => LIGHT,
            Palette::Contrast => CONTRAST,
        }
    }

    fn fg(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    /// What is read like any text.
    pub(crate) fn plain(self) -> Style {
        Style::new()
    }

    /// What is read first.
    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What is read last: units, rules, frames of other people's code.
    pub(crate) fn dim(self) -> Style {
        match (self.palette, self.tones().dim) {
            (Palette::Contrast, _) => Style::new(),
            (_, Some(dim)) if self.color => Style::new().fg(dim),
            _ => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// What is wrong now.
    pub(crate) fn bad(self) -> Style {
        self.fg(self.tones().bad).add_modifier(Modifier::BOLD)
    }

    /// What was wrong, or may become so.
    pub(crate) fn warning(self) -> Style {
        self.fg(self.tones().warning)
    }

    pub(crate) fn good(self) -> Style {
        self.fg(self.tones().good)
    }

    /// Where the user is.
    pub(crate) fn focus(self) -> Style {
        self.fg(self.tones().focus).add_modifier(Modifier::BOLD)
    }

    /// The line that keys move.
    pub(crate) fn marked(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A word on a ground of its own.
    pub(crate) fn badge(self, level: Level) -> Style {
        let tones = self.tones();
        let ground = match level {
            Level::Good => tones.good,
            Level::Neutral => tones.neutral,
            Level::Warning => tones.warning,
            Level::Bad => tones.bad,
        };
        let style = Style::new().add_modifier(Modifier::BOLD);
        match (self.color, level) {
            (false, _) => style.add_modifier(Modifier::REVERSED),
            (true, Level::Bad) => style.bg(ground).fg(tones.on_bad),
            (true, _) => style.bg(ground).fg(tones.on_other),
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

    /// What concerns a whole screen that is drawn: the page's own colours, and the twins of all signs. The last thing to be
    /// done to it, whoever drew what.
    pub(crate) fn finish(self, buffer: &mut Buffer) {
        if let Some((text, page)) = self.tones().page.filter(|_| self.color) {
            for cell in &mut buffer.content {
                cell.fg = if cell.fg == Color::Reset { text } else { cell.fg };
                cell.bg = if cell.bg == Color::Reset { page } else { cell.bg };
            }
        }
        if self.ascii {
            for cell in buffer.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
                let twin = signs::twin(cell.symbol());
                cell.set_symbol(twin);
            }
        }
    }
}
