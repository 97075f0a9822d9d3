//! Each fault, and its cure: the one is found at the line that its source marks, and hurts those beside it; the other not.

use crate::harness::{Response, Server, alone, run};
use serde_json::Value;
use stallscope::analysis::{Finding, History, Rule, Severity, findings};
use stallscope_wire::Reader;
use std::fs::{self, File};
use std::path::Path;
use std::thread;

/// What marks the line that is to be found; after it the causes, any of which will do.
const MARK: &str = "// blocks here: ";
/// The server's workers: where there is a second one, it hides much of what the first one's stalls do to others.
const WORKERS: &str = "1";

/// Compares a route with its cures, for long enough that no busy machine makes others wait as long.
fn compare(fault: &str, cures: &[&str]) {
    compare_at("1", "2s", fault, cures, "?ms=500");
}

/// The same, with a number of requests a second, for a time, and a query that says how long they take.
fn compare_at(rate: &str, time: &str, fault: &str, cures: &[&str], query: &str) {
    let _alone = alone();
    let blocked = Seen::of(rate, time, &format!("/blocking/{fault}{query}"));
    Expected::of(fault).compare(&blocked.findings);
    for cure in cures {
        let fixed = Seen::of(rate, time, &format!("/fixed/{cure}{query}"));
        assert!(fixed.findings.is_empty(), "/fixed/{cure}: {}", told(&fixed.findings));
        let waits = (blocked.beside_ns, fixed.beside_ns);
        assert!(waits.0 > 3 * waits.1, "the p90 of / in ns beside {fault} and {cure}: {waits:?}");
    }
}

/// What a route did.
#[derive(Debug)]
struct Seen {
    /// Warnings and errors.
    findings: Vec<Finding>,
    /// What one in ten of those waited at least who asked for `/` meanwhile. The worst of them would rather tell how busy the
    /// machine is.
    beside_ns: u64,
}

impl Seen {
    /// Some requests for a route, beside many for `/`.
    fn of(rate: &str, time: &str, route: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("log.jsonl");
        let mut server =
            Server::with(&[("STALLSCOPE_LOG", log.to_str().unwrap()), ("TOKIO_WORKER_THREADS", WORKERS)]);
        let load = |rate: &str, path: &str| {
            let load =
                run(&["load", "--rate", rate, "--duration", time, "--format", "json", &server.url(path)]);
            let report: Value = serde_json::from_str(&load.stdout)
                .unwrap_or_else(|error| panic!("{path}: {error}: {load:?}"));
            assert_eq!(report["answered"], report["statuses"]["2xx"], "{path}: {report:#}");
            assert_ne!(report["answered"], 0, "{path}: {report:#}");
            report
        };
        let beside = thread::scope(|scope| {
            let beside = scope.spawn(|| load("100", "/"));
            load(rate, route);
            beside.join().expect("the load beside it goes well")
        });
        drop(server.child.stdin.take());
        assert!(server.child.wait().expect("it ends").success());
        let history = read(&log);
        let findings = findings(&[&history]).into_iter().filter(|found| found.severity > Severity::Info);
        Self {
            findings: findings.collect(),
            beside_ns: beside["latency"]["corrected"]["p90_ns"].as_u64().expect("it has a p90"),
        }
    }
}

fn read(log: &Path) -> History {
    let mut reader = Reader::new(File::open(log).expect("there is a log")).expect("it has a header");
    let mut history = History::new(reader.header().clone());
    while let Some(line) = reader.next_line().expect("its lines are whole") {
        history.apply(line);
    }
    history
}

/// What the source of a fault says of itself.
#[derive(Debug)]
struct Expected {
    file: String,
    line: u32,
    causes: String,
}

impl Expected {
    fn of(fault: &str) -> Self {
        let file = format!("src/reference/faults/{fault}.rs");
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).expect(&file);
        let mut marked =
            source.lines().zip(1..).filter_map(|(text, line)| Some((text.split_once(MARK)?.1, line)));
        let (causes, line) = marked.next().unwrap_or_else(|| panic!("{file} marks no line"));
        assert_eq!(marked.next(), None, "{file} marks one line");
        Self { file, line, causes: causes.to_owned() }
    }

    /// There is one finding that the marked line is to blame for, and none that does not follow from it.
    fn compare(&self, findings: &[Finding]) {
        let (blocking, others): (Vec<&Finding>, Vec<&Finding>) =
            findings.iter().partition(|finding| finding.rule == Rule::BlockingPoll);
        let [finding] = blocking[..] else { panic!("{}: not one but {}", self.file, told(findings)) };
        let culprit = &finding.culprit;
        assert!(
            culprit.file.as_deref().is_some_and(|file| file.ends_with(&self.file)),
            "{self:?}: {finding:#?}"
        );
        assert_eq!(culprit.line, Some(self.line), "{self:?}: {finding:#?}");
        let cause = finding.cause_in_words();
        assert!(self.causes.split(" | ").any(|expected| expected == cause), "{self:?}: {finding:#?}");
        assert_eq!(finding.severity, Severity::Error, "{finding:#?}");
        // Their routes are known of those alone that the thread comes to at once, which it may not on a busy machine.
        assert!(finding.victims.delay_ns > 0, "{self:?}: {finding:#?}");
        assert!(others.iter().all(|finding| finding.rule == Rule::LoopLag), "{}", told(findings));
    }
}

/// Findings as people read them.
fn told(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n{finding} [{}]", finding.rule)).collect()
}

#[test]
fn sleep() {
    compare("sleep", &["sleep"]);
}

#[test]
fn http() {
    compare("http", &["http"]);
}

#[test]
fn db() {
    compare("db", &["db"]);
}

#[test]
fn file() {
    compare("file", &["file"]);
}

#[test]
fn fsync() {
    // On a busy machine a thread also waits for a processor after each of its many short waits for the disk, and that is not
    // the code's fault: what is left of it must still be a stall.
    compare_at("0.5", "3s", "fsync", &["fsync"], "?ms=2000");
}

#[test]
fn dns() {
    compare("dns", &["dns"]);
}

#[test]
fn mutex() {
    compare("mutex", &["mutex"]);
}

#[test]
fn cpu() {
    compare("cpu", &["cpu", "cpu-chunks"]);
}

#[test]
fn pool() {
    compare("pool", &["pool"]);
}

#[test]
fn every_fault_is_compared_here() {
    let here = include_str!("faults.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reference/faults");
    let sources = fs::read_dir(folder).expect("there are faults").map(|entry| entry.unwrap().path());
    let mut marked = sources.filter(|path| fs::read_to_string(path).unwrap().contains(MARK)).peekable();
    assert!(marked.peek().is_some());
    for path in marked {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(here.contains(&format!("#[test]\nfn {name}() {{")), "no test compares {name}");
    }
}

#[test]
fn each_route_refuses_what_makes_no_sense() {
    let server = Server::start();
    let (_, index) = server.get("/");
    let listed = index["routes"].as_array().unwrap().iter().map(|route| route.as_str().unwrap());
    let faults: Vec<_> =
        listed.filter(|path| path.starts_with("/blocking/") || path.starts_with("/fixed/")).collect();
    assert!(faults.len() >= 18, "{faults:?}");
    for route in faults {
        let path = route.strip_suffix("?ms=").expect(route);
        for (query, reason) in
            [("?ms=", "whole number"), ("?ms=10001", "from 0 to 10000"), ("?for=5", "\"for\"")]
        {
            let (status, body) = server.get(&format!("{path}{query}"));
            assert_eq!(status, 400, "{path}{query}");
            assert!(body["error"].as_str().unwrap().contains(reason), "{path}{query}: {body}");
        }
        let refused = server.request("POST", path, &[], b"");
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET,HEAD")), "{path}: {refused:?}");
        assert_eq!(server.get(&format!("{path}/")).0, 404, "{path}/");
    }
}

#[test]
fn whoever_asks_others_gives_up_after_a_while() {
    let server = Server::start();
    thread::scope(|scope| {
        for path in ["/fixed/http?ms=9000", "/fixed/dns?ms=9000"] {
            let server = &server;
            scope.spawn(move || {
                let (status, body) = server.get(path);
                assert_eq!(status, 504, "{path}: {body}");
                assert!(body["error"].is_string(), "{path}: {body}");
            });
        }
    });
}

#[test]
fn a_full_line_is_told_at_once() {
    let server = Server::start();
    // One at work, eight in line: of sixteen that come while the first one works, at least some find no place.
    let answers: Vec<Response> = thread::scope(|scope| {
        let ask = || server.request("GET", "/fixed/pool?ms=300", &[], b"");
        let asked: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let (done, turned_away): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(done.len() >= 9 && !turned_away.is_empty(), "{answers:#?}");
    for answer in turned_away {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
        assert!(answer.json()["error"].is_string(), "{answer:?}");
    }
}
