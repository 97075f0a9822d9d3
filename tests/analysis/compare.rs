//! Two sides of runs, made up: what is called a regression, and how often wrongly.

use crate::scenario::{MS, stall};
use hdrhistogram::Histogram as Hdr;
use stallscope::analysis::compare::{Change, Comparison, Kind, Limits, Outlook, Quantity, Sample, compare};
use stallscope::analysis::{History, Judgement, Report};
use stallscope_wire::{
    Cause, Coverage, End, Handler, Handlers, Header, Histogram, Line, Location, Snapshot, Stall, Tier,
};

/// How often each made-up world is tried: with one run a side, and with several, which take longer.
const SEEDS: u64 = 100;
const FEWER_SEEDS: u64 = 40;
/// Of so many at 5 % each, more alarms than this come with a probability below 1 in 1,000.
const ALARMS: usize = 12;
const FEWER_ALARMS: usize = 7;
const MINUTE_NS: u64 = 60_000 * MS;

/// Numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

/// A run of a server: its routes' latency, and its stalls.
#[derive(Clone, Copy)]
struct World {
    routes: u64,
    requests: u64,
    /// The median of each route, in nanoseconds.
    median_ns: f64,
    /// What follows upon a request resembles it so much.
    alike: f64,
    /// By so much whole runs differ.
    between: f64,
    stalls: f64,
}

const WORLD: World =
    World { routes: 5, requests: 2000, median_ns: 20e6, alike: 0.6, between: 0.0, stalls: 20.0 };

impl World {
    fn run(self, random: &mut Random) -> Sample {
        let scale = self.median_ns * (self.between * random.normal()).exp();
        let handlers = (0..self.routes).map(|route| Handler {
            route: format!("GET /{route}"),
            latency: self.latency(scale, random),
            ..Handler::default()
        });
        let handlers = Handlers { at_ns: MINUTE_NS, handlers: handlers.collect(), ..Handlers::default() };
        let mut lines = vec![Line::Handler(handlers)];
        let mean_ms = 150.0;
        lines.extend((0..random.poisson(self.stalls)).map(|id| {
            let ms = 100.0 - mean_ms * random.uniform().ln();
            Line::Stall(Stall { id, ..stall("src/report.rs:42", ms as u64, Cause::Cpu) })
        }));
        sample(lines)
    }

    fn latency(self, scale: f64, random: &mut Random) -> Histogram {
        let mut hdr = Hdr::<u64>::new(3).expect("three digits are allowed");
        let mut state = random.normal();
        for _ in 0..self.requests {
            state = self.alike * state + (1.0 - self.alike * self.alike).sqrt() * random.normal();
            hdr.record((scale * (0.5 * state).exp()) as u64).expect("it resizes itself");
        }
        Histogram::from(&hdr)
    }

    fn runs(self, count: usize, random: &mut Random) -> Vec<Sample> {
        (0..count).map(|_| self.run(random)).collect()
    }
}

fn history(lines: Vec<Line>) -> History {
    let mut history = History::new(Header {
        tier: Tier::Exact,
        threshold_ns: 100 * MS,
        coverage: Coverage::whole(),
        ..Header::default()
    });
    lines.into_iter().for_each(|line| history.apply(line));
    history.apply(Line::End(End { at_ns: MINUTE_NS }));
    history
}

fn sample(lines: Vec<Line>) -> Sample {
    Sample::of_histories(&[&history(lines)])
}

fn stalls(place: &str, count: u64, ms: u64) -> Vec<Line> {
    (0..count).map(|id| Line::Stall(Stall { id, ..stall(place, ms, Cause::Syscall) })).collect()
}

/// In how many worlds the comparison of these sides comes out as a regression.
fn regressions(base: World, new: World, runs: usize) -> usize {
    let is_regression = |seed: &u64| {
        let random = &mut Random(*seed);
        let (base, new) = (base.runs(runs, random), new.runs(runs, random));
        compare(&base, &new, &Limits::default()).outlook() == Outlook::Regression
    };
    let seeds = if runs == 1 { SEEDS } else { FEWER_SEEDS };
    let found = (0..seeds).filter(is_regression).count();
    println!("{found} of {seeds} are regressions, with {runs} runs a side");
    found
}

fn change<'a>(comparison: &'a Comparison, name: &str, quantity: Quantity) -> &'a Change {
    let is_it = |change: &&Change| change.subject.name == name && change.quantity == quantity;
    comparison.changes.iter().find(is_it).unwrap_or_else(|| panic!("no {quantity} of {name}: {comparison:?}"))
}

#[test]
fn nothing_changed_and_one_run_of_each_raises_few_alarms() {
    let alarms = regressions(WORLD, WORLD, 1);
    assert!(alarms <= ALARMS, "{alarms} of {SEEDS}");
    let apart = World { between: 0.05, ..WORLD };
    let alarms = regressions(apart, apart, 1);
    assert!(alarms <= ALARMS, "{alarms} of {SEEDS} where runs differ");
}

#[test]
fn nothing_changed_and_runs_that_differ_raise_few_alarms() {
    for (runs, between) in [(2, 0.1), (3, 0.15), (5, 0.2)] {
        let world = World { between, requests: 500, routes: 3, ..WORLD };
        let alarms = regressions(world, world, runs);
        assert!(
            alarms <= FEWER_ALARMS,
            "{alarms} of {FEWER_SEEDS} with {runs} runs that differ by {between}"
        );
    }
}

#[test]
fn a_real_shift_is_found() {
    let slower = World { median_ns: 40e6, ..WORLD };
    let found = regressions(WORLD, slower, 1);
    assert!(found >= 95, "{found} of {SEEDS} twice as slow");
    let noisy = World { between: 0.05, requests: 500, routes: 3, ..WORLD };
    let slower = World { median_ns: 26e6, ..noisy };
    let found = regressions(noisy, slower, 5);
    assert!(found >= 36, "{found} of {FEWER_SEEDS} slower by 30 % in five runs");
    let more = World { stalls: 80.0, ..WORLD };
    let found = regressions(WORLD, more, 1);
    assert!(found >= 95, "{found} of {SEEDS} with four times as many stalls");
}

#[test]
fn what_got_better_is_told_as_that() {
    let random = &mut Random(7);
    let (base, new) = (World { median_ns: 50e6, ..WORLD }.runs(1, random), WORLD.runs(1, random));
    let comparison = compare(&base, &new, &Limits::default());
    let p50 = change(&comparison, "GET /0", Quantity::P50);
    assert_eq!((p50.subject.kind, p50.outlook), (Kind::Route, Outlook::Improvement));
    assert!(p50.relative < Some(-0.4) && p50.at_least < Some(-0.2) && p50.at_least > p50.relative, "{p50:?}");
    assert_eq!(comparison.exit_code(), 0);
}

#[test]
fn a_change_that_nobody_feels_is_none() {
    let random = &mut Random(7);
    let quick = World { median_ns: 100_000.0, stalls: 0.0, ..WORLD };
    let slower = World { median_ns: 300_000.0, ..quick };
    let (base, new) = (quick.runs(1, random), slower.runs(1, random));
    assert_eq!(compare(&base, &new, &Limits::default()).outlook(), Outlook::Same);
    let finer = Limits { min_time_ns: 10_000, ..Limits::default() };
    assert_eq!(compare(&base, &new, &finer).outlook(), Outlook::Regression);
    let coarser = Limits { min_change: 4.0, ..finer };
    assert_eq!(compare(&base, &new, &coarser).outlook(), Outlook::Same);
}

#[test]
fn a_culprit_whose_line_moved_is_the_same() {
    let (base, new) = (sample(stalls("src/a.rs:10", 30, 200)), sample(stalls("src/a.rs:17", 31, 200)));
    let comparison = compare(&[base], &[new], &Limits::default());
    assert_eq!(comparison.changes.len(), 3, "{comparison:?}");
    assert_eq!(change(&comparison, "src/a.rs:17", Quantity::BlockedPerMinute).outlook, Outlook::Same);
}

#[test]
fn a_few_stalls_are_new_and_many_are_a_regression() {
    let none = || sample(Vec::new());
    let comparison = compare(&[none()], &[sample(stalls("src/a.rs:10", 2, 300))], &Limits::default());
    let seen = change(&comparison, "src/a.rs:10", Quantity::BlockedPerMinute);
    assert_eq!((seen.outlook, seen.base, seen.new), (Outlook::New, None, Some(600.0 * MS as f64)));
    assert_eq!(comparison.changes.len(), 1, "one line says it: {comparison:?}");
    let comparison = compare(&[none()], &[sample(stalls("src/a.rs:10", 20, 300))], &Limits::default());
    assert_eq!(comparison.exit_code(), 99);
    let comparison = compare(&[sample(stalls("src/a.rs:10", 2, 300))], &[none()], &Limits::default());
    assert_eq!(change(&comparison, "src/a.rs:10", Quantity::BlockedPerMinute).outlook, Outlook::Gone);
}

#[test]
fn one_stall_in_each_of_many_runs_is_no_chance() {
    let base: Vec<_> = (0..5).map(|_| sample(Vec::new())).collect();
    let new: Vec<_> = (0..5).map(|_| sample(stalls("src/a.rs:10", 1, 300))).collect();
    assert_eq!(compare(&base, &new, &Limits::default()).outlook(), Outlook::Regression);
}

#[test]
fn tasks_are_compared_by_the_line_that_spawned_them() {
    let polls = |line: u32, each_ns: u64| {
        let poll = crate::scenario::times(5000, each_ns);
        let spawned_at = format!("src/main.rs:{line}:5");
        let location = Location { spawned_at, polls: 5000, poll, ..Location::default() };
        let snapshot = Snapshot { at_ns: MS, locations: vec![location], ..Snapshot::default() };
        sample(vec![Line::Snapshot(snapshot)])
    };
    let comparison = compare(&[polls(17, 2 * MS)], &[polls(20, 8 * MS)], &Limits::default());
    let p99 = change(&comparison, "src/main.rs:20:5", Quantity::P99);
    assert_eq!((p99.subject.kind, p99.outlook), (Kind::Spawn, Outlook::Regression), "though its line moved");
}

#[test]
fn too_little_is_said_to_be_too_little() {
    let few = World { requests: 8, stalls: 0.0, ..WORLD };
    let random = &mut Random(7);
    let comparison = compare(&few.runs(1, random), &few.runs(1, random), &Limits::default());
    assert_eq!((comparison.outlook(), comparison.exit_code()), (Outlook::TooLittle, 98));
    assert_eq!(compare(&[sample(Vec::new())], &[sample(Vec::new())], &Limits::default()).exit_code(), 98);
}

#[test]
fn stalls_that_were_recorded_otherwise_are_not_compared() {
    let mut finer = History::new(Header { threshold_ns: 10 * MS, tier: Tier::Exact, ..Header::default() });
    stalls("src/a.rs:10", 50, 300).into_iter().for_each(|line| finer.apply(line));
    let finer = Sample::of_histories(&[&finer]);
    let comparison = compare(&[sample(Vec::new())], &[finer], &Limits::default());
    assert_eq!(comparison.outlook(), Outlook::TooLittle);
    let told = |what: &str| comparison.notes.iter().any(|note| note.contains(what));
    assert!(told("10ms, 100ms") && told("1 run of NEW is incomplete"), "{:?}", comparison.notes);
}

#[test]
fn a_report_tells_of_routes_what_its_log_does() {
    let random = &mut Random(7);
    let lines = |world: World, random: &mut Random| {
        let latency = world.latency(world.median_ns, random);
        let handler = Handler { route: "GET /".into(), latency, ..Handler::default() };
        vec![Line::Handler(Handlers { at_ns: MS, handlers: vec![handler], ..Handlers::default() })]
    };
    let slower = World { median_ns: 60e6, ..WORLD };
    let sides = [lines(WORLD, random), lines(slower, random)].map(history);
    let [log_base, log_new] = sides.each_ref().map(|history| Sample::of_histories(&[history]));
    let [report_base, report_new] = sides.each_ref().map(|history| {
        let report = Report::new(Vec::new(), Judgement::default(), &[history]);
        let text = serde_json::to_string(&report).expect("plain data");
        Sample::of_report(&serde_json::from_str(&text).expect("a report")).expect("it is whole")
    });
    let of_logs = compare(&[log_base], &[log_new], &Limits::default());
    let of_reports = compare(&[report_base], &[report_new], &Limits::default());
    assert_eq!(of_logs.changes, of_reports.changes);
    assert_eq!(of_logs.outlook(), Outlook::Regression);
}

#[test]
fn a_report_with_a_broken_distribution_is_refused() {
    let mut report = Report::default();
    report.histograms.poll = Some("no histogram".to_owned());
    let error = Sample::of_report(&report).expect_err("it is none").to_string();
    assert!(error.contains("the process are no HdrHistogram"), "{error}");
}
