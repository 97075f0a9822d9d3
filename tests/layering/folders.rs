//! What the folders of the command line may name. Only its reference server is instrumented, as any program would be.

use super::sources::{path, sources_in};
use proc_macro2::{Ident, TokenStream, TokenTree};
use std::fs;

/// Each folder, the crates that it never names, and what it names of the facade: all of them ask `analysis`, and where lines are
/// read, `late` names what their process did not.
const FOLDERS: [(&str, &[&str], &[&str]); 5] = [
    ("source", &["ratatui"], &["analysis", "late"]),
    ("report", &["ratatui", "tokio"], &["analysis"]),
    ("model", &["ratatui", "tokio"], &["analysis"]),
    ("view", &["tokio", "rustix"], &["analysis"]),
    ("command", &[], &["analysis"]),
];

/// Paths in a source file that its folder must not name. Comments and texts may speak of anything.
fn forbidden(source: &str, never: &[&str], facade: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    visit(source.parse().expect("it is Rust"), never, facade, &mut found);
    found
}

fn visit(tokens: TokenStream, never: &[&str], facade: &[&str], found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    for (at, token) in tokens.iter().enumerate() {
        let name = match token {
            TokenTree::Group(group) => {
                visit(group.stream(), never, facade, found);
                continue;
            }
            TokenTree::Ident(name) => name,
            _ => continue,
        };
        // A name behind a path's colons is nobody's crate.
        let is_crate = is_colon(at + 1) && is_colon(at + 2) && !(at > 0 && is_colon(at - 1));
        let may_be_named = |name: &Ident| facade.iter().any(|known| name == known);
        let of_the_facade = matches!(tokens.get(at + 3), Some(TokenTree::Ident(part)) if may_be_named(part));
        let is_instrument = ["stallscope_instrument", "stallscope_macros"].iter().any(|known| name == known);
        let is_never = is_crate && never.iter().any(|known| name == known);
        if is_instrument || is_never || (is_crate && name == "stallscope" && !of_the_facade) {
            let part = tokens.get(at + 3).map(ToString::to_string).unwrap_or_default();
            found.push(format!("{name}::{part}"));
        }
    }
}

#[test]
fn the_command_line_judges_by_the_analysis_alone() {
    for (folder, never, facade) in FOLDERS {
        let sources = sources_in(&path("cli/src").join(folder));
        assert!(!sources.is_empty(), "{folder} holds nothing");
        for path in sources {
            let found = forbidden(&fs::read_to_string(&path).expect("it can be read"), never, facade);
            assert!(found.is_empty(), "{} names {found:?}", path.display());
        }
    }
}

#[test]
fn what_is_forbidden_is_found_wherever_it_stands() {
    for (source, found) in [
        ("use stallscope::analysis::{Report, judge}; // not stallscope::main", &[][..]),
        ("fn help() -> &'static str { \"put #[stallscope::main] there\" }", &[]),
        ("use crate::source::tokio::x; mod ratatui;", &[]),
        ("use stallscope_instrument::Config;", &["stallscope_instrument::Config"]),
        ("#[stallscope::main] async fn main() {}", &["stallscope::main"]),
        ("fn f() { if true { stallscope::install(x) } }", &["stallscope::install"]),
        ("use stallscope::{analysis, http};", &["stallscope::{ analysis , http }"]),
        ("use ratatui::Frame;", &["ratatui::Frame"]),
    ] {
        assert_eq!(forbidden(source, &["ratatui", "tokio"], &["analysis"]), found, "{source}");
    }
}
