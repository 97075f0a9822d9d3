//! `stallscope selftest`: does Stallscope find what it promises to find, on this machine and in this build?

mod child;
mod outcome;
mod ways;

use super::checklist::{self, Entry, Mark};
use super::form::Form;
use crate::color::Color;
use crate::failure::Failure;
use crate::reference::trials;
use child::Trials;
use outcome::{Fate, Outcome, Places};
use serde::Serialize;
use stallscope_wire::duration::show;
use stallscope_wire::{Gap, Tier, counted};
use std::process::ExitCode;

/// Block on purpose in each known way, and show that each is caught.
///
/// A process of this program blocks, loses work and leaks, one way after the other, which takes some seconds; it is read over
/// its live socket, as a dashboard reads any program. Of each way it is told which line and cause were expected and seen, and
/// how long it took from the first moment of it until it was told. Nothing leaves this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stallscope selftest
  stallscope selftest --sampled          as a program that is built without tokio's task hooks is seen
  stallscope selftest --format json | jq '.ways[] | select(.fate == \"missed\")'

Exit codes:
  0 all that can be seen here was caught, and nothing else blamed · 1 something was not, or the test could not run ·
  2 usage error")]
pub(crate) struct Args {
    /// How to print the outcome.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Form,
    /// Watch by sampling, as what is built without --cfg tokio_unstable is watched; a few ways cannot be seen then.
    #[arg(long)]
    sampled: bool,
    /// Be the process that blocks; it ends when stdin closes.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// Debug information that takes longer than this to be opened is worth a word, in nanoseconds.
const SLOW_NAMES_NS: u64 = 500_000_000;

/// All of it as a document.
#[derive(Debug, Serialize)]
struct Document {
    version: &'static str,
    tier: Tier,
    profile: String,
    places: Places,
    caught: usize,
    missed: usize,
    unseen: usize,
    /// Of what blocks nothing.
    cleared: usize,
    blamed: usize,
    /// How long it took to name the first stall, once it was told.
    names_after_ns: Option<u64>,
    not_seen: Vec<Gap>,
    ways: Vec<Outcome>,
}

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    if args.exit_with_stdin {
        return trials::run(args.sampled).map(|()| ExitCode::SUCCESS).map_err(Failure::internal);
    }
    let Trials { history, seen, names_after, named } = child::run(args.sampled)?;
    let header = history.header();
    let ways: Vec<Outcome> = seen.iter().map(|seen| Outcome::of(seen, &history)).collect();
    let count = |fate| ways.iter().filter(|way| way.fate == fate).count();
    let document = Document {
        version: env!("CARGO_PKG_VERSION"),
        tier: if args.sampled { Tier::Sampled } else { header.tier },
        profile: header.versions.profile.clone(),
        places: Places::of(&ways, named),
        caught: count(Fate::Caught),
        missed: count(Fate::Missed),
        unseen: count(Fate::Unseen),
        cleared: count(Fate::Cleared),
        blamed: count(Fate::Blamed),
        names_after_ns: names_after.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        not_seen: history.coverage().missing.clone(),
        ways,
    };
    match args.format {
        Form::Json => checklist::print_json(&document)?,
        Form::Text => {
            let entries: Vec<_> = document.ways.iter().map(entry).collect();
            checklist::print(&entries, &document.last_words(), color)?;
        }
    }
    Ok(if document.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn entry(way: &Outcome) -> Entry {
    let after = way.told_after_ns.map(|after| format!("  told after {}", show(after))).unwrap_or_default();
    let seen = way.seen.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let (mark, words) = match way.fate {
        Fate::Caught => (Mark::Good, format!("{seen}{after}")),
        Fate::Cleared => (Mark::Good, "blocks nothing, and is not blamed".to_owned()),
        Fate::Missed | Fate::Blamed => (Mark::Bad, format!("expected {}; seen: {seen}", way.expected)),
        Fate::Unseen => {
            (Mark::Note, format!("cannot be seen here: {}", way.note.clone().unwrap_or_default()))
        }
    };
    let note = way.note.clone().filter(|_| way.fate != Fate::Unseen);
    Entry { mark, name: way.about.to_owned(), words, below: note.into_iter().collect() }
}

impl Document {
    fn is_right(&self) -> bool {
        self.missed == 0 && self.blamed == 0 && self.caught > 0
    }

    fn last_words(&self) -> String {
        let Self { tier, profile, caught, missed, unseen, cleared, blamed, .. } = self;
        let ways = counted((caught + missed + unseen) as u64, "way");
        let unseen = match unseen {
            0 => String::new(),
            unseen => format!(", {unseen} cannot be seen here"),
        };
        let names = match self.names_after_ns {
            Some(after) if after >= SLOW_NAMES_NS => {
                format!("; the first took {} to be named, since the debug information is large", show(after))
            }
            _ => String::new(),
        };
        let innocent = match (cleared, blamed) {
            (_, 1..) => "; what blocks nothing was blamed too",
            (1.., 0) => "; what blocks nothing was not blamed",
            (0, 0) => "",
        };
        format!(
            "{ways} to block an event loop or to lose work: {caught} caught, {missed} missed{unseen}{innocent}\n\
             tier {tier}, {profile} build, compared {}{names}",
            self.places.in_words()
        )
    }
}
