//! Which process started which.

use std::fs;

/// More generations than this are a mistake.
const GENERATIONS: usize = 64;

/// Whether a process was started by another, or by one of those that it started.
pub(super) fn is_descendant(pid: u32, ancestor: u32) -> bool {
    let parents = std::iter::successors(Some(pid), |&pid| parent(pid).filter(|&parent| parent > 0));
    parents.skip(1).take(GENERATIONS).any(|parent| parent == ancestor)
}

fn parent(pid: u32) -> Option<u32> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in parentheses may hold anything, parentheses too.
fn parse(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_confuse() {
        assert_eq!(parse("7 (a) Z 1 (b)) S 3 5 5 34816 5"), Some(3));
        assert_eq!(parse("7 (a"), None);
    }

    #[test]
    fn knows_its_own_line() {
        let own = std::process::id();
        assert!(is_descendant(own, parent(own).expect("it was started by somebody")));
        assert!(is_descendant(own, 1) || parent(own) == Some(0), "all descend from the first");
        assert!(!is_descendant(own, own) && !is_descendant(1, own));
    }
}
