//! `stallscope doctor`: what is seen and what is not, and how to see it.

mod binary;
mod environment;
mod item;
mod machine;
mod manifests;
mod process;
mod project;
mod seen;
mod stranger;

pub(super) use binary::Binary;

use super::checklist::{self, Entry, Mark};
use super::form::Form;
use crate::color::Color;
use crate::failure::Failure;
use crate::source::Target;
use environment::Environment;
use item::Item;
use serde::Serialize;
use stallscope_wire::counted;
use std::path::Path;
use std::process::ExitCode;

/// Say what Stallscope sees and what it does not, each with its cure.
///
/// With a target: the process, or what one has recorded. Without one: this machine, and the cargo project of the working folder.
/// Nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stallscope doctor                      this machine, and the cargo project here
  stallscope doctor 4242                 what is seen of process 4242; what it is, if it is not instrumented
  stallscope doctor run.jsonl
  stallscope doctor --format json | jq '.items[] | select(.mark != \"good\")'

Signs:
  ✓ as it should be · – worth knowing · ! not seen, or not as well as it could be · ✗ keeps Stallscope from working

Exit codes:
  0 Stallscope works, perhaps not everywhere · 1 something (✗) keeps it from working at all · 2 usage or input error")]
pub(crate) struct Args {
    /// A pid, a live socket or an event log.
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Form,
}

/// All of it as a document.
#[derive(Debug, Serialize)]
struct Document {
    version: &'static str,
    target: Option<String>,
    /// Nothing keeps Stallscope from working.
    works: bool,
    items: Vec<Item>,
}

/// Why no program that is run from here is watched, and what to do about it, where that is known.
pub(super) fn unwatched() -> Option<String> {
    Environment::own().unwatched()
}

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    let items = match &args.target {
        None => {
            let mut items = machine::items();
            items.extend(project::items(Path::new("."))?);
            items
        }
        Some(target) => match Target::new(target) {
            Target::Pid(pid) => process::items(pid)?,
            Target::Path(path) => seen::of_path(&path)?,
        },
    };
    let works = items.iter().all(|item| item.mark != Mark::Bad);
    let document = Document { version: env!("CARGO_PKG_VERSION"), target: args.target.clone(), works, items };
    match args.format {
        Form::Json => checklist::print_json(&document)?,
        Form::Text => {
            let entries: Vec<_> = document.items.iter().map(entry).collect();
            checklist::print(&entries, &last_words(&document), color)?;
        }
    }
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn entry(item: &Item) -> Entry {
    let below = item.cure.iter().map(|cure| format!("→ {cure}")).collect();
    Entry { mark: item.mark, name: item.name.clone(), words: item.found.clone(), below }
}

fn last_words(document: &Document) -> String {
    let count = |mark| document.items.iter().filter(|item| item.mark == mark).count() as u64;
    match (count(Mark::Bad), count(Mark::Warning)) {
        (0, 0) => "nothing is in the way".to_owned(),
        (0, gaps) => format!("Stallscope works; {} could be better (!)", counted(gaps, "thing")),
        (1, _) => "one thing keeps Stallscope from working (✗)".to_owned(),
        (bad, _) => format!("{bad} things keep Stallscope from working (✗)"),
    }
}
