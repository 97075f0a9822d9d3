use super::detail::Detail;
use super::navigation::Opened;
use super::process::{NAMING, Process};
use super::table::{Cell, Column, Cut, Row, Sign, Table, Tone, Value};
use stallscope::analysis::{Finding, Rule, Severity};
use stallscope_wire::{Victims, counted};

const COLUMNS: [Column; 9] = [
    Column::text("where", "where", 0, Cut::Start, (18, 60)),
    Column::text("function", "function", 5, Cut::Segments, (16, 60)),
    Column::text("cause", "cause", 1, Cut::End, (13, 24)),
    Column::figure("count", "count", 2, 7),
    Column::figure("longest_ns", "longest", 1, 9),
    Column::figure("now_ns", "now", 1, 8),
    Column::figure("total_ns", "in all", 4, 8),
    Column::figure("waited", "waited behind", 2, 15).if_known(),
    Column::figure("waited_ns", "waiting", 3, 9).if_known(),
];

/// What went wrong, by the line that did it: first what cost others most.
pub(super) fn table(process: &Process, now_ns: u64) -> Table {
    let rows = Detail::all(process).iter().map(|detail| row(process, detail, now_ns)).collect();
    Table::new(&COLUMNS, None, rows)
}

fn row(process: &Process, detail: &Detail<'_>, now_ns: u64) -> Row {
    let finding = detail.finding;
    let tone = match (finding.ongoing, finding.severity) {
        (true, _) => Tone::Bad,
        (false, Severity::Error) => Tone::Strong,
        (false, Severity::Warning) => Tone::Warning,
        (false, _) => Tone::Dim,
    };
    let now = match detail.ongoing.first() {
        Some(record) => Value::Time(process.answered_ns(record, now_ns)),
        None if finding.ongoing => Value::Words("yes".to_owned(), 1.0),
        None => Value::Unknown,
    };
    let function = finding.culprit.function.as_deref().unwrap_or_default();
    let any_waited = finding.victims.count() > 0;
    let named = !detail.is_being_named(process, now_ns);
    let place = if named { place(finding) } else { NAMING.to_owned() };
    let cells = vec![
        Cell::from(Value::Text(place)).tone(tone),
        Cell::from(Value::text(function)).tone(Tone::Dim),
        Value::Text(cause(finding)).into(),
        Value::Count(finding.count).into(),
        Cell::from(time(detail.longest_ns(process, now_ns))).tone(Tone::Strong),
        Cell::from(now).tone(if finding.ongoing { Tone::Bad } else { Tone::Dim }),
        time(detail.total_ns(process, now_ns)).into(),
        waited(&finding.victims).into(),
        Value::time(any_waited.then_some(finding.victims.delay_ns)).into(),
    ];
    let sign = if finding.ongoing { Sign::Accused } else { Sign::None };
    let lasted_ns = is_stall(finding.rule).then(|| detail.longest_ns(process, now_ns));
    Row {
        lasted_ns,
        ..Row::new(detail.key.to_owned(), cells).with(sign).opening(Opened::Finding(detail.id.clone()))
    }
}

fn waited(victims: &Victims) -> Value {
    let noun = match (victims.tasks, victims.sockets.unwrap_or(0)) {
        (0, 0) => return Value::Unknown,
        (_, 0) => "task",
        (0, _) => "conn",
        _ => "other",
    };
    Value::Words(counted(victims.count(), noun), victims.count() as f64)
}

/// What takes no time has none.
fn time(ns: u64) -> Value {
    Value::time(Some(ns).filter(|&ns| ns > 0))
}

/// Why, and whether that it is one poll is only probable; of what is no stall, the rule says why.
pub(super) fn cause(finding: &Finding) -> String {
    if !is_stall(finding.rule) {
        return finding.rule.to_string();
    }
    let cause = finding.cause_in_words();
    let cause = cause.trim_start_matches("syscall ");
    if finding.doubt().is_some() { format!("{cause}, probably") } else { cause.to_owned() }
}

/// Whether it is about threads that did not get on, and not about tasks.
pub(crate) fn is_stall(rule: Rule) -> bool {
    matches!(rule, Rule::BlockingPoll | Rule::LoopLag | Rule::HostPause)
}

/// What stands for the culprit: the line; of findings that accuse none, what they say.
pub(crate) fn place(finding: &Finding) -> String {
    match finding.rule {
        Rule::HostPause => "the machine paused".to_owned(),
        Rule::LoopLag if !finding.culprit.is_known() => "loop lag".to_owned(),
        _ => finding.culprit.to_string(),
    }
}
