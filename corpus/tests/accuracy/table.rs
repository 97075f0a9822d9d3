//! The rates that the corpus is for, and the table behind them.

use crate::build::Build;
use crate::found::Found;
use crate::run::Ran;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// What was found in one build.
#[derive(Default)]
struct Rates {
    blocking: usize,
    recalled: usize,
    right_place: usize,
    right_cause: usize,
    innocent: usize,
    false_findings: usize,
    unseen: usize,
    skipped: usize,
    paused: u32,
}

impl Rates {
    fn count(&mut self, found: &Found) {
        match found {
            Found::Guilty { place, cause } => {
                self.blocking += 1;
                self.recalled += 1;
                self.right_place += usize::from(place.is_ok());
                self.right_cause += usize::from(cause.is_ok());
            }
            Found::Missed(_) => self.blocking += 1,
            Found::Silent => self.innocent += 1,
            Found::False(_) => {
                self.innocent += 1;
                self.false_findings += 1;
            }
            Found::Unseen(_) => self.unseen += 1,
            Found::Skipped(_) => self.skipped += 1,
        }
    }

    /// Everything is found in its right place, nearly every cause is right, and no innocent is accused.
    fn hold(&self) -> bool {
        let all_in_place = self.right_place == self.blocking;
        all_in_place && self.right_cause * 100 >= self.blocking * 98 && self.false_findings == 0
    }
}

/// Writes the table, and fails when a rate does not hold.
pub(crate) fn judge(build: &Build, ran: &[Ran]) {
    let mut rates = Rates::default();
    let mut text = format!("\n{:32} {:15} {:6} cause   ({})\n", "case", "flavor", "place", build.name);
    let mut mistakes = String::new();
    let right = |aspect: &Result<(), String>| if aspect.is_ok() { "right" } else { "WRONG" };
    for Ran { case, flavor, found, paused } in ran {
        rates.count(found);
        rates.paused += paused;
        let verdict = match found {
            Found::Guilty { place, cause } => format!("{:6} {}", right(place), right(cause)),
            Found::Missed(_) => "MISSED".to_owned(),
            Found::Silent => "silent".to_owned(),
            Found::False(_) => "FALSE".to_owned(),
            Found::Unseen(_) => "unseen".to_owned(),
            Found::Skipped(_) => "skipped".to_owned(),
        };
        writeln!(text, "{:32} {flavor:15} {verdict}", case.name).unwrap();
        for wrong in details(found) {
            writeln!(text, "    expected {:?}, found {wrong}", case.blocks).unwrap();
            if !found.is_right() {
                writeln!(mistakes, "{} on {flavor}: {wrong}", case.name).unwrap();
            }
        }
    }
    let Rates {
        blocking,
        recalled,
        right_place,
        right_cause,
        innocent,
        false_findings,
        unseen,
        skipped,
        paused,
    } = rates;
    writeln!(
        text,
        "{}: {blocking} that block: {recalled} found, {right_place} in the right place, {right_cause} for the right cause; \
         {innocent} that do not: {false_findings} accused; {unseen} that sampling need not see, {skipped} skipped, {paused} runs taken back since the machine paused them",
        build.name
    )
    .unwrap();
    // Past the test harness, which keeps what a test that passes prints: what was skipped is to be seen.
    io::stderr().write_all(text.as_bytes()).unwrap();
    assert!(rates.hold(), "{}:\n{mistakes}", build.name);
}

fn details(found: &Found) -> Vec<&String> {
    match found {
        Found::Guilty { place, cause } => {
            [place, cause].into_iter().filter_map(|aspect| aspect.as_ref().err()).collect()
        }
        Found::Missed(told) | Found::False(told) | Found::Unseen(told) | Found::Skipped(told) => vec![told],
        Found::Silent => Vec::new(),
    }
}
