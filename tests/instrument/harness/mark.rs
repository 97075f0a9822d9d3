//! The line that a test marks with the comment `blocks here`.

use std::fs;
use std::panic::Location;
use std::path::Path;

const MARK: &str = "// blocks here";

/// The marked line of the test that `here` lies in, as `file:line`; none when it marks none.
pub(super) fn of_the_test_at(here: &Location<'_>) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(here.file());
    let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines: Vec<&str> = source.lines().collect();
    let begins = |line: &&str| line.starts_with("#[test]");
    let first = lines[..here.line() as usize].iter().rposition(begins)?;
    let mut rest = lines.iter().enumerate().skip(first + 1).take_while(|(_, line)| !begins(line));
    rest.find(|(_, line)| line.contains(MARK)).map(|(at, _)| format!("{}:{}", here.file(), at + 1))
}
