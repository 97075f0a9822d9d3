use std::fmt::Display;

/// Colours of a terminal, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn with(self, code: &str, text: &impl Display) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    pub(crate) fn bold(self, text: &impl Display) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &impl Display) -> String {
        self.with("2", text)
    }

    pub(crate) fn red(self, text: &impl Display) -> String {
        self.with("1;31", text)
    }

    pub(crate) fn green(self, text: &impl Display) -> String {
        self.with("32", text)
    }

    pub(crate) fn yellow(self, text: &impl Display) -> String {
        self.with("33", text)
    }
}
