//! What tells a finding from others, and stays the same while lines above it come and go.

use super::repository::{Location, Place, Repository};
use sha2::{Digest, Sha256};
use stallscope::analysis::Finding;
use std::fmt::Write;

/// Of each finding: of its rule, its file, and the text of its line, or where that is not here the function's name. Findings
/// that have all of this in common are told apart by their order in the file.
pub(super) fn fingerprints(findings: &[Finding], repository: &Repository) -> Vec<String> {
    let anchored: Vec<_> = findings
        .iter()
        .map(|finding| {
            let place = repository.place(finding);
            let line = place.as_ref().and_then(|place| place.line);
            (anchor(finding, place.as_ref(), repository), line)
        })
        .collect();
    let of = |at: usize| {
        let (anchor, line) = &anchored[at];
        let same = anchored.iter().enumerate().filter(|(_, (other, _))| other == anchor);
        let before = same.filter(|(i, (_, other))| (other, *i) < (line, at)).count();
        hash(&format!("{anchor}\0{before}"))
    };
    (0..findings.len()).map(of).collect()
}

fn anchor(finding: &Finding, place: Option<&Place>, repository: &Repository) -> String {
    let file = match place.map(|place| &place.file) {
        Some(Location::Inside(path) | Location::Outside(path)) => path,
        None => "",
    };
    let text = place.and_then(|place| repository.text(place));
    let function = finding.culprit.function.as_deref().map(plain);
    let what = text.or(function).unwrap_or_else(|| finding.culprit.to_string());
    format!("{}\0{file}\0{what}", finding.rule)
}

/// A function's name without its type arguments, which differ between the copies of a generic one, and without the numbers of
/// closures, which change with every one before.
fn plain(function: &str) -> String {
    let (mut name, mut depth) = (String::new(), 0_u32);
    for c in function.replace("->", "").chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 && !c.is_ascii_digit() => name.push(c),
            _ => {}
        }
    }
    name
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope::analysis::Culprit;

    fn at(function: &str, line: u32) -> Finding {
        let culprit = Culprit {
            function: Some(function.to_owned()),
            file: Some("src/not/here.rs".to_owned()),
            line: Some(line),
            ..Culprit::default()
        };
        let mut finding = Finding::default();
        finding.culprit = culprit;
        finding
    }

    fn of(findings: &[Finding]) -> Vec<String> {
        fingerprints(findings, &Repository::of(&[]))
    }

    #[test]
    fn it_is_the_same_when_lines_move_and_for_each_copy_of_a_generic_function() {
        let before = of(&[at("app::load::<u8>::{closure#0}", 10)]);
        assert_eq!(before, of(&[at("app::load::<u16>::{closure#2}", 25)]));
        assert_ne!(before, of(&[at("app::store", 10)]));
        let mut leak = at("app::load", 10);
        leak.rule = stallscope::analysis::Rule::TaskLeak;
        assert_ne!(of(&[leak]), of(&[at("app::load", 10)]), "another rule is another finding");
    }

    #[test]
    fn two_of_one_function_are_told_apart_by_their_order_in_the_file() {
        let (first, second) = (at("app::load", 10), at("app::load", 12));
        let both = of(&[first.clone(), second.clone()]);
        assert_ne!(both[0], both[1]);
        assert_eq!(of(&[second, first]), [both[1].clone(), both[0].clone()], "whichever is worse");
    }
}
