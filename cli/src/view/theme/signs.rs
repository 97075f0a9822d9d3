//! The signs that the screens use, and what stands for each where a terminal has none but ASCII.

/// One column wide each, so that nothing moves.
const TWINS: [(&str, &str); 46] = [
    ("…", "~"),
    ("–", "-"),
    ("·", "."),
    ("•", "*"),
    ("●", "*"),
    ("×", "x"),
    ("→", ">"),
    ("←", "<"),
    ("↑", "^"),
    ("↓", "v"),
    ("↔", "-"),
    ("▸", ">"),
    ("▶", ">"),
    ("▲", "^"),
    ("▼", "v"),
    ("✓", "+"),
    ("✗", "x"),
    ("≥", ">"),
    ("≤", "<"),
    ("─", "-"),
    ("━", "="),
    ("│", "|"),
    ("┃", "|"),
    ("┄", "-"),
    ("┤", "+"),
    ("├", "+"),
    ("┌", "+"),
    ("┐", "+"),
    ("└", "+"),
    ("┘", "+"),
    ("╭", "+"),
    ("╮", "+"),
    ("╰", "+"),
    ("╯", "+"),
    ("▁", "_"),
    ("▂", "_"),
    ("▃", "-"),
    ("▄", "-"),
    ("▅", "="),
    ("▆", "="),
    ("▇", "="),
    ("█", "#"),
    ("▒", "%"),
    ("◇", "o"),
    ("µ", "u"),
    ("μ", "u"),
];

/// What stands for a sign, or for a letter of somebody's name that ASCII has not.
pub(super) fn twin(sign: &str) -> &'static str {
    TWINS.iter().find(|(known, _)| *known == sign).map_or("?", |(_, twin)| twin)
}

/// Whether it is a sign of ours.
#[cfg(test)]
pub(in super::super) fn is_known(sign: &str) -> bool {
    sign.is_ascii() || TWINS.iter().any(|(known, _)| *known == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_twin_is_one_character_of_ascii() {
        for (sign, twin) in TWINS {
            assert!(twin.len() == 1 && twin.is_ascii() && !sign.is_ascii(), "{sign} {twin}");
        }
    }

    /// What one picture tells apart by its signs alone.
    #[test]
    fn twins_that_stand_side_by_side_differ() {
        for picture in [
            &["█", "▒", "·"][..],
            &["█", "▒", "▅", "▃", "▁", "·"],
            &["▲", "▼"],
            &["▶", "•"],
            &["┄", "│", "█"],
        ] {
            for (at, sign) in picture.iter().enumerate() {
                assert!(picture[..at].iter().all(|other| twin(other) != twin(sign)), "{picture:?}");
            }
        }
    }
}
