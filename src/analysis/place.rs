/// A source path without what lies before a dependency's or the standard library's own folder.
///
/// ```
/// use stallscope::analysis::short_place;
/// assert_eq!(short_place("/rustc/59807616e1/library/std/src/fs.rs:310"), "std/src/fs.rs:310");
/// assert_eq!(short_place("/srv/u/.cargo/registry/src/index.crates.io-19/axum-0.8.9/src/lib.rs"), "axum-0.8.9/src/lib.rs");
/// assert_eq!(short_place("src/main.rs:20:5"), "src/main.rs:20:5");
/// ```
#[must_use]
pub fn short_place(file: &str) -> &str {
    let registry = || file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/'));
    let compiled = || file.starts_with("/rustc/").then(|| file.split_once("/library/")).flatten();
    let installed = || file.split_once("/rustlib/src/rust/library/");
    registry().or_else(compiled).or_else(installed).map_or(file, |(_, rest)| rest)
}
