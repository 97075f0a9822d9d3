use super::*;
use crate::report::folded::tests::history;
use crate::report::{Course, Run};
use stallscope::analysis::{Terms, judge};
use stallscope_wire::{LagState, Line, Snapshot, Worker, WorkerState};

fn page(mut change: impl FnMut(&mut Report)) -> String {
    let (mut history, mut course) = (history(), Course::default());
    for at_ns in [1_000_000_000, 5_000_000_000] {
        let worker = Worker { state: WorkerState::Polling, busy_permille: 400, ..Worker::default() };
        let lag = LagState { window_max_ns: Some(7_000_000), ..LagState::default() };
        let line = Line::Snapshot(Snapshot { at_ns, lag, workers: vec![worker], ..Snapshot::default() });
        course.note(&line);
        history.apply(line);
    }
    let runs = [Run { history, course }];
    let histories = [&runs[0].history];
    let mut report = Report::new(
        vec!["app".into()],
        judge(&Terms::default().allow_incomplete(true), &histories),
        &histories,
    );
    change(&mut report);
    let mut out = Vec::new();
    write(&mut out, Material { report: &report, runs: &runs }).expect("it is written");
    String::from_utf8(out).expect("text")
}

#[test]
fn it_holds_all_parts_and_nothing_from_elsewhere() {
    let page = page(|_| {});
    for part in [
        "badge bad",
        "<h2>Findings</h2>",
        "data:image/svg+xml;base64,",
        "<h2>Timeline</h2>",
        "class=\"blocked\"",
    ] {
        assert!(page.contains(part), "{part} is missing:\n{page}");
    }
    for reach in ["http://", "https://", "src=\"/", "<link", "@import", "url("] {
        assert!(!page.contains(reach), "{reach} reaches elsewhere:\n{page}");
    }
}

#[test]
fn no_name_breaks_it() {
    let evil = "</code><script>alert(1)</script><T> & \"q\"";
    let page = page(|report| {
        report.findings[0].culprit.function = Some(evil.into());
        report.findings[0].culprit.file = None;
        report.findings[0].stack[1].function = Some(evil.into());
        report.command = vec![evil.into()];
        report.notes.push(evil.into());
    });
    assert!(!page.contains("<script>"), "{page}");
    assert!(page.contains("&lt;/code&gt;&lt;script&gt;alert(1)"), "{page}");
    let count = |tag: &str| page.matches(tag).count();
    for tag in ["details", "section", "table", "ol", "ul", "svg", "code", "div"] {
        let opened = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
        assert_eq!(opened, count(&format!("</{tag}>")), "{tag}");
    }
}
