//! Makes text fit: a column has one width, whatever is in it.

pub(super) use crate::model::figure::{count, rate};
pub(super) use stallscope_wire::counted;
use std::borrow::Cow;

/// Cuts the end off.
pub(super) fn end(text: &str, width: usize) -> Cow<'_, str> {
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    Cow::Owned(if width == 0 { String::new() } else { kept + "…" })
}

/// Cuts the beginning off: of a path and line, the end tells.
pub(super) fn start(text: &str, width: usize) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= width {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().skip(length + 1 - width.max(1));
    Cow::Owned(if width == 0 { String::new() } else { std::iter::once('…').chain(kept).collect() })
}

/// A path and line shortened at the start, then filled up to the column's width.
pub(super) fn place(text: &str, width: usize) -> String {
    format!("{:<width$}", start(text, width))
}

/// Text shortened at the end, then filled up to the column's width.
pub(super) fn column(text: &str, width: usize) -> String {
    format!("{:<width$}", end(text, width))
}

/// Breaks text into lines of a width, at spaces where there are any.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let line = lines.last_mut().expect("there is always a line");
            let used = line.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.len() <= width {
                line.push_str(&" "[..gap]);
                line.extend(&word);
                break;
            }
            if used == 0 {
                line.extend(word.drain(..width));
            }
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_what_tells() {
        assert_eq!(end("clock_nanosleep", 8), "clock_n…");
        assert_eq!(start("src/deep/report.rs:42", 13), "…report.rs:42");
        assert_eq!(place("a:1", 6), "a:1   ");
        assert_eq!(wrap("a worker is blocked", 10), ["a worker", "is blocked"]);
        assert_eq!(wrap("abcdef", 4), ["abcd", "ef"]);
    }

    proptest! {
        #[test]
        fn never_wider_than_the_column(text in "\\PC{0,40}", width in 0usize..30) {
            prop_assert!(end(&text, width).chars().count() <= width);
            prop_assert!(start(&text, width).chars().count() <= width);
            prop_assert!(wrap(&text, width).iter().all(|line| line.chars().count() <= width.max(1)));
        }
    }
}
