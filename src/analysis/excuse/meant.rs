use super::super::thresholds::nearest;
use super::super::{Finding, finding::Frame};
use super::{Excuse, begins, names};

/// What an excuse that covers nothing may have been about, of what was found and is not excused, for people.
pub(super) fn meant(excuse: &Excuse, found: &[&Finding]) -> Option<String> {
    if let Some(finding) = found.iter().find(|finding| excuse.is_at(&finding.culprit)) {
        return Some(format!("what was found there is {}", finding.rule));
    }
    let frame = excuse.frame();
    let in_stack =
        |finding: &&&Finding| finding.stack.iter().flat_map(frame_names).any(|name| begins(&name, frame));
    if let Some(finding) = found.iter().find(in_stack) {
        return Some(format!(
            "it is in a stack whose accused line is {0}: did you mean \"{0}\"?",
            finding.culprit
        ));
    }
    let names: Vec<_> = found.iter().flat_map(|finding| names(&finding.culprit)).collect();
    let near = nearest_line(frame, &names)
        .or_else(|| names.iter().map(String::as_str).find(|name| is_end(name, frame, "::")))
        .or_else(|| nearest(frame, names.iter().map(String::as_str)))?;
    Some(format!("did you mean \"{near}\"?"))
}

fn frame_names(frame: &Frame) -> impl Iterator<Item = String> {
    frame.place().into_iter().chain(frame.function.clone())
}

/// The line that is nearest in the same file, however much of its path is written.
fn nearest_line<'a>(frame: &str, names: &'a [String]) -> Option<&'a str> {
    let (file, line) = split(frame);
    let same = |other: &str| file == other || is_end(file, other, "/") || is_end(other, file, "/");
    let lines = names.iter().filter_map(|name| match split(name) {
        (other, Some(at)) if same(other) => Some((at.abs_diff(line.unwrap_or(at)), name.as_str())),
        _ => None,
    });
    lines.min().map(|(_, name)| name)
}

fn is_end(whole: &str, end: &str, separator: &str) -> bool {
    whole.strip_suffix(end).is_some_and(|before| before.ends_with(separator))
}

fn split(place: &str) -> (&str, Option<u32>) {
    let parts = place.rsplit_once(':').and_then(|(file, line)| Some((file, Some(line.parse().ok()?))));
    parts.unwrap_or((place, None))
}
