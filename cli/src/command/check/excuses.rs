//! `[[allow]]` of the file: what is excused, why, and until when.

use crate::settings::{Problem, Reader, Value};
use stallscope::analysis::{Excuse, Rule};
use std::time::SystemTime;
use toml::de::{DeTable, DeValue};

/// What an entry may say.
const KEYS: [&str; 4] = ["frame", "rule", "reason", "until"];

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Excuses")]
#[group(skip)]
pub(super) struct Flags {
    /// Fail when an [[allow]] of the file or a line of the baseline was not needed, or an [[allow]] has expired.
    #[arg(long)]
    pub(super) deny_stale: bool,
    #[command(flatten)]
    pub(super) baseline: super::baseline::Flags,
}

/// The entries, and the line of each, which is all that its `at` says.
///
/// # Errors
/// When one says what is not known, or does not say what it must.
pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<Vec<Excuse>, Problem> {
    let told = "excuses are written as tables, each below a line [[allow]]";
    let today = today();
    reader
        .list(value, told)?
        .map(|entry| {
            let table = entry.get_ref().as_table().ok_or_else(|| reader.wrong(entry.span(), told))?;
            read_one(reader, entry, table, &today)
        })
        .collect()
}

fn read_one(
    reader: &Reader<'_>,
    entry: &Value<'_>,
    table: &DeTable<'_>,
    today: &str,
) -> Result<Excuse, Problem> {
    let (line, _) = reader.place(entry.span());
    let mut excuse = Excuse { at: line.to_string(), ..Excuse::default() };
    for (name, value) in table {
        match &**name.get_ref() {
            "frame" => {
                excuse.frame = said(
                    reader,
                    value,
                    "a frame is a place as the reports name it, or its beginning: \"src/report.rs:42\"",
                )?;
            }
            "reason" => {
                excuse.reason =
                    said(reader, value, "say why this is excused: the reason stands in every report")?;
            }
            "rule" => excuse.rule = Some(rule(reader, value)?),
            "until" => {
                let until = date(reader, value)?;
                excuse.expired = *today > *until;
                excuse.until = Some(until);
            }
            other => return Err(reader.unknown("setting", other, name.span(), KEYS.into_iter())),
        }
    }
    for (key, is_there) in [("frame", !excuse.frame.is_empty()), ("reason", !excuse.reason.is_empty())] {
        if !is_there {
            let example = if key == "frame" { "\"src/report.rs:42\"" } else { "\"why it may block\"" };
            return Err(reader.wrong(entry.span(), format!("this excuse lacks a {key}: {key} = {example}")));
        }
    }
    Ok(excuse)
}

/// A text that is not empty.
fn said(reader: &Reader<'_>, value: &Value<'_>, told: &str) -> Result<String, Problem> {
    let text = reader.string(value)?.trim();
    if text.is_empty() { Err(reader.wrong(value.span(), told)) } else { Ok(text.to_owned()) }
}

pub(super) fn rule(reader: &Reader<'_>, value: &Value<'_>) -> Result<Rule, Problem> {
    let name = reader.string(value)?;
    let names = Rule::ALL.iter().map(Rule::to_string).collect::<Vec<_>>();
    let known = names.iter().map(String::as_str);
    Rule::named(name).ok_or_else(|| reader.unknown("rule", name, value.span(), known))
}

fn date(reader: &Reader<'_>, value: &Value<'_>) -> Result<String, Problem> {
    let wrong = || reader.wrong(value.span(), "this is to be a day, without quotes: until = 2026-12-31");
    match value.get_ref() {
        DeValue::Datetime(at) if at.time.is_none() => at.date.map(|date| date.to_string()).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// Today in UTC, as the file writes days.
fn today() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now())
        .to_string()
        .chars()
        .take_while(|&c| c != 'T')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Excuse>, Problem> {
        let reader = Reader::new(text);
        let table = reader.parse()?;
        read(&reader, &table["allow"])
    }

    #[test]
    fn what_they_say_is_taken() {
        let text = "[[allow]]\nframe = \"src/a.rs:4\"\nreason = \"old\"\n\n\
            [[allow]]\nframe = 'app::load'\nrule = \"blocking-poll\"\nreason = \"new\"\nuntil = 2000-01-31\n\n\
            [[allow]]\nframe = \"GET /\"\nreason = \"later\"\nuntil = 9999-12-31\n";
        let excuses = parse(text).expect("it is right");
        let told: Vec<_> = excuses
            .iter()
            .map(|excuse| {
                (
                    &*excuse.frame,
                    excuse.rule,
                    &*excuse.reason,
                    excuse.until.as_deref(),
                    excuse.expired,
                    &*excuse.at,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("src/a.rs:4", None, "old", None, false, "1"),
                ("app::load", Some(Rule::BlockingPoll), "new", Some("2000-01-31"), true, "5"),
                ("GET /", None, "later", Some("9999-12-31"), false, "11"),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_what_was_meant() {
        const DAY: &str = "this is to be a day, without quotes: until = 2026-12-31";
        let whole = "[[allow]]\nframe = \"src/a.rs\"\nreason = \"old\"\n";
        for (before, last, line, column, message) in [
            (
                whole,
                "rule = \"bloking-poll\"",
                4,
                8,
                "unknown rule \"bloking-poll\"; did you mean \"blocking-poll\"?",
            ),
            (whole, "untill = 2026-12-31", 4, 1, "unknown setting \"untill\"; did you mean \"until\"?"),
            (whole, "until = \"2026-12-31\"", 4, 9, DAY),
            (whole, "until = 2026-12-31T10:00:00", 4, 9, DAY),
            (
                "[[allow]]\n",
                "frame = \"src/a.rs\"",
                1,
                1,
                "this excuse lacks a reason: reason = \"why it may block\"",
            ),
            (
                "[[allow]]\n",
                "reason = \"x\"",
                1,
                1,
                "this excuse lacks a frame: frame = \"src/report.rs:42\"",
            ),
            (
                "[[allow]]\nframe = \"a\"\n",
                "reason = \" \"",
                3,
                10,
                "say why this is excused: the reason stands in every report",
            ),
            ("[[allow]]\n", "frame = 3", 2, 9, "this is to be a text in quotes"),
            (
                "[allow]\n",
                "frame = \"a\"",
                1,
                1,
                "excuses are written as tables, each below a line [[allow]]",
            ),
        ] {
            let text = format!("{before}{last}\n");
            let problem = parse(&text).expect_err(&text);
            let said = problem.to_string();
            assert_eq!(
                (problem.line, problem.column, said.lines().next()),
                (line, column, Some(message)),
                "{text}"
            );
        }
    }
}
