//! Text as part of a Markdown document: names may hold anything.

use crate::failure::clean;
use std::fmt::Display;

/// As code in a cell of a Markdown table, where a bar ends the cell even in code.
pub(crate) fn cell(text: impl Display) -> String {
    code(text).replace('|', "\\|")
}

/// As code in Markdown, where nothing is a mark but its end, and no name is a mention.
pub(crate) fn code(text: impl Display) -> String {
    let text = clean(text);
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space keeps ticks of the text from being part of the fence; it is not shown.
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The fence of a block of Markdown that holds this text.
pub(crate) fn fence(text: &str) -> String {
    "`".repeat(longest_run(text).max(2) + 1)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive() {
        assert_eq!(code("Vec<T>::f|g"), "`Vec<T>::f|g`");
        assert_eq!(cell("Vec<T>::f|g"), "`Vec<T>::f\\|g`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``a"), "``` ``a ```");
        assert_eq!(code(" "), "");
        assert_eq!(fence("x"), "```");
        assert_eq!(fence("x ```` y"), "`````");
    }
}
