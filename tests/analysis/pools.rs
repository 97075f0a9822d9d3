//! Whose work fills the blocking pool.

use crate::scenario::{MS, Process, found, process};
use stallscope::analysis::{Rule, Severity};
use stallscope_wire::{Frame, Line, PoolSite, PoolWait, Stack};

fn site(place: &str, threads: u64) -> PoolSite {
    let (file, line) = place.rsplit_once(':').expect("file:line");
    let frames = vec![
        Frame { function: Some("libc::call".into()), ..Frame::default() },
        Frame {
            function: Some("app::job".into()),
            file: Some(file.into()),
            line: line.parse().ok(),
            user: true,
            ..Frame::default()
        },
    ];
    PoolSite { threads, stack: Stack { culprit: Some(1), frames, ..Stack::default() } }
}

fn wait(id: u64, ms: u64, sites: Vec<PoolSite>) -> PoolWait {
    let (at_ns, wait_ns) = (9000 * MS, ms * MS);
    PoolWait { id, at_ns, runtime: 1, wait_ns, waiting: 40, threads: 512, sites, ..PoolWait::default() }
}

fn told(process: Process, waits: impl IntoIterator<Item = PoolWait>) -> Process {
    waits.into_iter().fold(process, |process, wait| process.line(Line::Pool(wait)))
}

#[test]
fn the_site_with_most_threads_is_the_culprit() {
    let waits = [
        wait(1, 150, vec![site("src/a.rs:7", 16)]),
        wait(2, 400, vec![site("src/a.rs:7", 13), site("src/b.rs:10", 3)]),
        wait(3, 120, vec![site("src/b.rs:10", 16)]),
    ];
    let history = told(process(), waits).ended();
    let [first, second] = &found(&history)[..] else { panic!("two findings") };
    assert_eq!((first.rule, first.severity, first.count), (Rule::BlockingPool, Severity::Warning, 2));
    assert_eq!((first.max_ns, first.total_ns, first.ongoing), (400 * MS, 550 * MS, false));
    assert_eq!(first.to_string(), "src/a.rs:7 fills the blocking pool: work waited 2 times, at most 400ms");
    let detail = "512 threads, all busy; up to 40 jobs waited; also at src/b.rs:10 (3 threads)";
    assert_eq!(first.detail.as_deref(), Some(detail));
    assert_eq!((first.stack.len(), first.culprit_frame()), (2, Some(1)));
    assert!(first.first_seen.starts_with("1970-01-01T00:00:08.850"), "{}", first.first_seen);
    assert_eq!(second.culprit.line, Some(10));
    assert_eq!(second.detail.as_deref(), Some("512 threads, all busy; up to 40 jobs waited"));
}

#[test]
fn what_waits_when_the_process_ends_was_never_done() {
    let ongoing = || PoolWait { ongoing: true, ..wait(1, 300, vec![site("src/a.rs:7", 16)]) };
    let severity = |process: Process| {
        let history = told(process, [wait(1, 150, Vec::new()), ongoing()]).ended();
        found(&history).first().map(|finding| (finding.severity, finding.ongoing, finding.count))
    };
    assert_eq!(severity(process()), Some((Severity::Error, true, 1)));
    let killed = told(process(), [ongoing()]).killed();
    assert_eq!(found(&killed)[0].severity, Severity::Warning, "it might have been done");
}

#[test]
fn a_wait_without_a_stack_is_told_all_the_same() {
    let history = told(process(), [wait(1, 150, Vec::new())]).ended();
    let found = found(&history);
    assert_eq!((found.len(), found[0].culprit.is_known()), (1, false));
}
