//! Text of a report as part of a document: names may hold anything.

use crate::failure::clean;
use std::fmt::Display;

/// As text of XML or HTML, in an attribute too.
pub(super) fn xml(text: impl Display) -> String {
    let mut escaped = String::new();
    for c in clean(text).chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            // Not a character in XML, in whatever form.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// As code in a cell of a Markdown table, where nothing is a mark but its end, and no name is a mention.
pub(super) fn code(text: impl Display) -> String {
    let text = clean(text).replace('|', "\\|");
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space keeps ticks of the text from being part of the fence; it is not shown.
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The fence of a block of Markdown that holds this text.
pub(super) fn fence(text: &str) -> String {
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
        assert_eq!(xml("Vec<T>::f & 'a' \"b\"\n"), "Vec&lt;T&gt;::f &amp; &#39;a&#39; &quot;b&quot;\u{fffd}");
        assert_eq!(code("Vec<T>::f|g"), "`Vec<T>::f\\|g`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``a"), "``` ``a ```");
        assert_eq!(code(" "), "");
        assert_eq!(fence("x"), "```");
        assert_eq!(fence("x ```` y"), "`````");
    }
}
