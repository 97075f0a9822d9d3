//! Names of functions as people call them.

use super::fit;

/// A function's name without what its instances differ in: `Vec<T>::push` is `Vec::push`, and `<T as Trait>::f` is `T::f`.
pub(super) fn plain(name: &str) -> String {
    strip(name).unwrap_or_else(|| name.to_owned())
}

/// None when the angle brackets do not match.
fn strip(name: &str) -> Option<String> {
    let mut told = String::new();
    let mut rest = name;
    while let Some(open) = rest.find('<') {
        told += &rest[..open];
        let close = open + closing(&rest[open..])?;
        let inner = &rest[open + 1..close];
        rest = &rest[close + 1..];
        match told.chars().next_back() {
            // Of a type that stands for itself, not of an argument: `<T as Trait>`, `<T>`.
            None | Some(' ' | '&' | '(' | '[' | ',' | '*') => told += &strip(implementor(inner))?,
            _ => told.truncate(told.trim_end_matches("::").len()),
        }
    }
    Some(told + rest)
}

/// Where the bracket closes that the text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            // The arrow of a function's type closes nothing.
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        before = letter;
    }
    None
}

/// The type in `T as Trait`.
fn implementor(text: &str) -> &str {
    let outside = |at: usize| {
        let (open, close) = (text[..at].matches('<').count(), text[..at].matches('>').count());
        open == close - text[..at].matches("->").count()
    };
    let found = text.match_indices(" as ").find(|&(at, _)| outside(at));
    found.map_or(text, |(at, _)| &text[..at])
}

/// As many of a name's last segments as there is room for, filled up to the column's width.
pub(super) fn column(name: &str, width: usize) -> String {
    let fits = |from: &usize| name[*from..].chars().count() < width;
    let segments = name.match_indices("::").map(|(at, _)| at);
    let cut = if name.chars().count() <= width { None } else { segments.into_iter().find(fits) };
    match cut {
        Some(from) => format!("{:<width$}", format!("…{}", &name[from..])),
        None => fit::place(name, width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_told_without_what_instances_differ_in() {
        for (name, told) in [
            ("app::report::render", "app::report::render"),
            ("alloc::vec::Vec<T,A>::push", "alloc::vec::Vec::push"),
            ("app::hash::<u8, Vec<u8>>::{closure#0}", "app::hash::{closure#0}"),
            ("<axum::Route<E> as tower::Service<Request>>::call", "axum::Route::call"),
            ("<core::pin::Pin<&mut (dyn Fn(u8) -> u8 + Send)> as Future>::poll", "core::pin::Pin::poll"),
            ("alloc::slice::<impl [T]>::join", "alloc::slice::join"),
            ("<alloc::boxed::Box<<F as Make>::Out>>::call_once", "alloc::boxed::Box::call_once"),
            ("<&mut F as Future>::poll", "&mut F::poll"),
            ("broken<name", "broken<name"),
        ] {
            assert_eq!(plain(name), told);
        }
    }

    #[test]
    fn of_a_long_name_the_last_segments_are_seen() {
        assert_eq!(column("tokio::runtime::task::core::Core::poll", 18), "…::Core::poll     ");
        assert_eq!(column("Core::poll", 12), "Core::poll  ");
        assert_eq!(column("poll_without_any_segment", 9), "…_segment");
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "[a:<> \\-&]{0,30}", width in 0usize..30) {
            plain(&name);
            prop_assert_eq!(column(&name, width).chars().count(), width);
        }
    }
}
