use std::fmt;
use std::ops::Range;
use std::path::Path;

/// What is wrong in a file, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    message: String,
    /// The line's text, and how many characters of it are meant.
    text: String,
    length: usize,
}

impl Problem {
    pub(crate) fn new(text: &str, at: Range<usize>, message: impl Into<String>) -> Self {
        let within =
            |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let start = within(at.start);
        let end = within(at.end.max(start));
        let begin = text[..start].rfind('\n').map_or(0, |before| before + 1);
        let whole = text[begin..].lines().next().unwrap_or_default();
        let meant = text[start..end].lines().next().unwrap_or_default();
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            message: message.into(),
            // As wide as a character, so that what is below stands below.
            text: whole.replace('\t', " "),
            length: meant.chars().count().max(1),
        }
    }
}

impl Problem {
    /// With the file's name, line and column before it.
    pub(crate) fn in_file(&self, path: &Path) -> String {
        format!("{}:{}:{}: {self}", path.display(), self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marks = "^".repeat(self.length);
        write!(f, "{}\n  {}\n  {:>width$}{marks}", self.message, self.text, "", width = self.column - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_where_it_stands() {
        let problem = Problem::new("[a]\nö = \"x\"\n", 9..12, "wrong");
        assert_eq!((problem.line, problem.column), (2, 5));
        assert_eq!(problem.to_string(), "wrong\n  ö = \"x\"\n      ^^^");
        let behind_a_tab = Problem::new("\tx = 1\n", 1..2, "wrong");
        assert_eq!(behind_a_tab.to_string(), "wrong\n   x = 1\n   ^");
        let at_the_end = Problem::new("[a\n", 3..9, "cut");
        assert_eq!((at_the_end.line, at_the_end.to_string().as_str()), (2, "cut\n  \n  ^"));
    }
}
