//! Where unsafe code may stand in what is shipped; `ARCHITECTURE.md` says what for.

use super::sources::{path, sources_in};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::fs;

/// The files that may hold unsafe code, and no others.
const FILES: [&str; 20] = [
    "instrument/src/capture/handler.rs",
    "instrument/src/capture/memory.rs",
    "instrument/src/capture/modules.rs",
    "instrument/src/capture/thread.rs",
    "instrument/src/capture/timer.rs",
    "instrument/src/clock.rs",
    "instrument/src/collector/log.rs",
    "instrument/src/collector/sockets/netlink.rs",
    "instrument/src/diagnosis/symbols/debug_info.rs",
    "instrument/src/diagnosis/symbols/mapped.rs",
    "instrument/src/diagnosis/symbols/source.rs",
    "instrument/src/files.rs",
    "instrument/src/recorder/sync.rs",
    "instrument/src/recorder/table.rs",
    "instrument/src/recorder/task.rs",
    "instrument/src/signals.rs",
    "instrument/src/socket_option.rs",
    "instrument/src/task/shared.rs",
    "instrument/src/task/waker.rs",
    "instrument/src/watchdog/unread/sockets.rs",
];

/// The crates that forbid it as a whole, by the file where they begin.
const FORBIDDING: [&str; 4] =
    ["cli/src/main.rs", "instrument/macros/src/lib.rs", "instrument/wire/src/lib.rs", "src/lib.rs"];

fn is_unsafe(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => is_unsafe(group.stream()),
        TokenTree::Ident(word) => word == "unsafe",
        _ => false,
    })
}

#[test]
fn unsafe_code_stands_in_the_listed_files_alone() {
    let mut found = BTreeSet::new();
    for folder in
        ["cli/src", "examples", "instrument/macros/src", "instrument/src", "instrument/wire/src", "src"]
    {
        for source in sources_in(&path(folder)) {
            let text = fs::read_to_string(&source).expect("it can be read");
            if is_unsafe(text.parse().unwrap_or_else(|error| panic!("{}: {error}", source.display()))) {
                let relative = source.strip_prefix(path("")).expect("it is in the workspace");
                found.insert(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    assert_eq!(found, FILES.map(str::to_owned).into());
}

#[test]
fn packages_that_need_none_forbid_it() {
    for file in FORBIDDING {
        let text = fs::read_to_string(path(file)).expect("it can be read");
        assert!(text.contains("#![forbid(unsafe_code)]"), "{file}");
    }
}

#[test]
fn unsafe_code_is_found_wherever_it_stands() {
    for (source, found) in [
        ("fn f() { if x { unsafe { g() } } }", true),
        ("unsafe impl Sync for A {}", true),
        ("#[unsafe(no_mangle)] fn f() {}", true),
        ("#![forbid(unsafe_code)] // unsafe", false),
        ("const A: &str = \"unsafe\";", false),
    ] {
        assert_eq!(is_unsafe(source.parse().expect("it is Rust")), found, "{source}");
    }
}
