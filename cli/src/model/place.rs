/// Folders of other people's sources: what follows the marker and one more folder (an index, a hash) tells.
const FOREIGN: [&str; 3] = ["/registry/src/", "/git/checkouts/", "/rustc/"];

/// A place as people call it: `axum-0.8.9/src/serve.rs:389` wherever cargo keeps it, `std/src/thread/mod.rs:870` wherever
/// the toolchain was built.
pub(crate) fn short(text: &str) -> String {
    let Some((marker, at)) = FOREIGN.iter().find_map(|marker| Some((marker, text.find(marker)?))) else {
        return text.to_owned();
    };
    let path = text[..at].rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let behind = &text[at + marker.len()..];
    let Some((_, told)) = behind.split_once('/') else { return text.to_owned() };
    format!("{}{}", &text[..path], told.strip_prefix("library/").unwrap_or(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_where_sources_are_kept() {
        for (long, told) in [
            (
                "/home/ann/.cargo/registry/src/index.crates.io-1949/axum-0.8.9/src/serve.rs:389",
                "axum-0.8.9/src/serve.rs:389",
            ),
            ("/rustc/59807616/library/std/src/thread/mod.rs:870", "std/src/thread/mod.rs:870"),
            (
                "a task spawned at /h/registry/src/i/axum-0.8.9/src/a.rs:1:2",
                "a task spawned at axum-0.8.9/src/a.rs:1:2",
            ),
            ("src/report.rs:42", "src/report.rs:42"),
            ("/registry/src/odd", "/registry/src/odd"),
        ] {
            assert_eq!(short(long), told);
        }
    }
}
