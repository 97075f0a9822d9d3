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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive() {
        assert_eq!(xml("Vec<T>::f & 'a' \"b\"\n"), "Vec&lt;T&gt;::f &amp; &#39;a&#39; &quot;b&quot;\u{fffd}");
    }
}
