//! A comparison in the forms that people and machines read.

use crate::failure::clean;
use crate::markdown;
use crate::report::Paint;
use serde_json::json;
use stallscope::analysis::compare::{Change, Comparison, Kind, Outlook, Quantity};
use stallscope_wire::counted;
use stallscope_wire::duration::show;

const HEAD: [&str; 7] = ["", "what", "measure", "BASE", "NEW", "change", "at least"];

/// All of it as one document.
pub(super) fn json(comparison: &Comparison) -> serde_json::Result<String> {
    let mut document = serde_json::to_value(comparison)?;
    document["stallscope"] = json!(1);
    document["verdict"] = json!(comparison.outlook());
    document["exit_code"] = json!(comparison.exit_code());
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

/// A table for a terminal; what did not change is in it when that is wanted.
pub(super) fn text(comparison: &Comparison, all: bool, color: bool) -> String {
    let paint = Paint(color);
    let rows: Vec<_> =
        listed(comparison, all).map(|change| (change.outlook, row(change).map(clean))).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|(_, row)| row[column].chars().count());
        cells.chain([HEAD[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; HEAD.len()] = std::array::from_fn(width);
    let line = |cells: &[String; HEAD.len()]| {
        let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            0..=2 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text = String::new();
    if !rows.is_empty() {
        text += &format!("{}\n", paint.bold(&line(&HEAD.map(str::to_owned))));
    }
    for (outlook, row) in &rows {
        let line = line(row);
        let line = match outlook {
            Outlook::Regression => paint.red(&line),
            Outlook::Improvement => paint.green(&line),
            Outlook::New | Outlook::TooLittle => paint.yellow(&line),
            _ => line,
        };
        text += &format!("{line}\n");
    }
    if !rows.is_empty() {
        text.push('\n');
    }
    for note in &comparison.notes {
        text += &format!("{}: {}\n", paint.yellow(&"note"), clean(note));
    }
    text + &format!("{}\nverdict: {}\n", in_numbers(comparison), verdict(comparison))
}

/// The same for a pull request.
pub(super) fn markdown(comparison: &Comparison, all: bool) -> String {
    let sign = match comparison.outlook() {
        Outlook::Regression => "❌",
        Outlook::TooLittle => "⚠️",
        _ => "✅",
    };
    let mut text = format!("### {sign} Stallscope diff: {}\n\n", verdict(comparison));
    let rows: Vec<_> = listed(comparison, all).map(row).collect();
    if !rows.is_empty() {
        text += &format!("| {} |\n|---|---|---|--:|--:|--:|--:|\n", HEAD.join(" | "));
    }
    for [outlook, what, cells @ ..] in rows {
        text += &format!("| {outlook} | {} | {} |\n", markdown::cell(what), cells.join(" | "));
    }
    text += &format!("\n{}\n", in_numbers(comparison));
    for note in &comparison.notes {
        text += &format!("\n> {}\n", clean(note));
    }
    text
}

fn listed(comparison: &Comparison, all: bool) -> impl Iterator<Item = &Change> {
    let matters = |change: &&Change| !matches!(change.outlook, Outlook::Same | Outlook::TooLittle);
    comparison.changes.iter().filter(move |change| all || matters(change))
}

fn row(change: &Change) -> [String; HEAD.len()] {
    let value =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| measured(change.quantity, value));
    let percent = |share: f64| format!("{:+.0}%", share * 100.0);
    let at_least = change.at_least.filter(|least| *least != 0.0);
    let name = &change.subject.name;
    let what = match change.subject.kind {
        Kind::LoopLag => "loop lag".to_owned(),
        Kind::Poll => "all polls".to_owned(),
        Kind::Schedule => "wake to poll".to_owned(),
        Kind::Spawn => format!("polls of tasks spawned at {name}"),
        _ => name.clone(),
    };
    [
        format!("{} {}", sign(change.outlook), change.outlook),
        what,
        change.quantity.to_string(),
        value(change.base),
        value(change.new),
        change.relative.map_or_else(|| "–".to_owned(), percent),
        at_least.map_or_else(|| "–".to_owned(), percent),
    ]
}

fn sign(outlook: Outlook) -> &'static str {
    match outlook {
        Outlook::Regression => "✗",
        Outlook::Improvement => "✓",
        Outlook::New => "+",
        Outlook::Gone => "-",
        Outlook::TooLittle => "?",
        _ => "=",
    }
}

fn measured(quantity: Quantity, value: f64) -> String {
    match quantity {
        Quantity::Presence => "found".to_owned(),
        Quantity::StallsPerMinute => format!("{value:.1}"),
        _ => show(value as u64).to_string(),
    }
}

fn in_numbers(comparison: &Comparison) -> String {
    let (base, new) = (comparison.base_runs as u64, comparison.new_runs as u64);
    let count = |outlook| comparison.count(outlook) as u64;
    let mut parts = vec![
        counted(count(Outlook::Regression), "regression"),
        counted(count(Outlook::Improvement), "improvement"),
        format!("{} new", count(Outlook::New)),
        format!("{} gone", count(Outlook::Gone)),
        format!("{} the same", count(Outlook::Same)),
    ];
    if count(Outlook::TooLittle) > 0 {
        parts.push(format!("{} seen too little", count(Outlook::TooLittle)));
    }
    format!("{} against {} of BASE: {}", counted(new, "run"), base, parts.join(", "))
}

fn verdict(comparison: &Comparison) -> String {
    let confidence = comparison.limits.confidence * 100.0;
    let new = comparison.count(Outlook::New) > 0;
    match comparison.outlook() {
        Outlook::Regression => format!("regression, with {confidence:.0}% confidence"),
        Outlook::TooLittle if new => {
            "too little was seen to tell: what is new may be chance; give more runs, or longer ones"
                .to_owned()
        }
        Outlook::TooLittle => {
            "too little was seen to compare anything: give more runs, or longer ones".to_owned()
        }
        _ if new => "no regression that is certain; what is new may be chance".to_owned(),
        _ => "no regression".to_owned(),
    }
}
