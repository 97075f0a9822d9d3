//! Which findings a process yields.

use crate::scenario::{MS, found, process, stall, task, times, victims};
use stallscope::analysis::{Cause as Why, Rule, Severity, findings};
use stallscope_wire::{
    Cause, Frame, Handler, Handlers, Line, Module, Owner, Phase, RouteVictims, Serving, SlowRequest, Stack,
    Stall, Victims,
};

#[test]
fn a_healthy_process_yields_no_finding() {
    assert_eq!(found(&process().ended()), []);
}

#[test]
fn the_stalls_of_one_line_are_one_finding() {
    let history = process()
        .stall(Stall {
            syscall: Some("clock_nanosleep".into()),
            ..stall("src/report.rs:42", 312, Cause::Syscall)
        })
        .blocked("src/report.rs:42", 120, Cause::Syscall)
        .blocked("src/report.rs:42", 208, Cause::Syscall)
        .ended();
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.rule, finding.severity, finding.count), (Rule::BlockingPoll, Severity::Error, 3));
    assert_eq!((finding.max_ns, finding.total_ns), (312 * MS, 640 * MS));
    let summary = "src/report.rs:42 blocked a worker 3 times, at most 312ms (syscall clock_nanosleep)";
    assert_eq!(finding.to_string(), summary);
}

#[test]
fn what_delays_others_most_comes_first() {
    let history = process()
        .stall(Stall { victims: victims(1, 10), ..stall("src/long.rs:1", 900, Cause::Cpu) })
        .stall(Stall { victims: victims(14, 4100), ..stall("src/harmful.rs:1", 200, Cause::Cpu) })
        .ended();
    let places: Vec<_> = found(&history).iter().map(|finding| finding.culprit.to_string()).collect();
    assert_eq!(places, ["src/harmful.rs:1", "src/long.rs:1"]);
}

#[test]
fn the_routes_behind_the_stalls_of_one_line_are_summed_most_first() {
    let behind = |routes: &[(&str, u64)]| {
        let victims = |&(route, requests): &(&str, u64)| RouteVictims { route: route.into(), requests };
        Victims { routes: routes.iter().map(victims).collect(), ..Victims::default() }
    };
    let serving = Serving { route: "GET /report".into(), id: Some("req-7".into()) };
    let history = process()
        .stall(Stall { victims: behind(&[("GET /", 2)]), ..stall("src/a.rs:1", 200, Cause::Cpu) })
        .stall(Stall {
            victims: behind(&[("GET /users/{id}", 9), ("GET /", 3)]),
            serving: Some(serving),
            ..stall("src/a.rs:1", 300, Cause::Cpu)
        })
        .stall(Stall { victims: behind(&[("GET /", 1)]), ..stall("src/other.rs:1", 200, Cause::Cpu) })
        .ended();
    let found = found(&history);
    let finding = found.iter().find(|finding| finding.culprit.to_string() == "src/a.rs:1").unwrap();
    assert_eq!(finding.victims.routes_in_words().as_deref(), Some("GET /users/{id} ×9, GET / ×5"));
    assert_eq!(finding.request_in_words().as_deref(), Some("GET /report (request req-7)"));
}

#[test]
fn the_routes_behind_a_line_are_bounded() {
    let routes =
        |from: u64| (from..from + 60).map(|n| RouteVictims { route: format!("GET /{n}"), requests: n });
    let behind = |from| Victims { routes: routes(from).collect(), ..Victims::default() };
    let history = process()
        .stall(Stall { victims: behind(0), ..stall("src/a.rs:1", 200, Cause::Cpu) })
        .stall(Stall { victims: behind(1_000), ..stall("src/a.rs:1", 300, Cause::Cpu) })
        .ended();
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!(finding.victims.routes.len(), 8);
    assert_eq!(finding.victims.routes[0].route, "GET /1003", "64 are counted, the first that were seen");
}

#[test]
fn a_line_without_the_slowest_requests_leaves_them_as_they_were() {
    let slow = SlowRequest { took_ns: 7, ..SlowRequest::default() };
    let handler =
        |by_status| Handler { route: "GET /".into(), latency_by_status: by_status, ..Handler::default() };
    let whole =
        Handlers { at_ns: 1, handlers: vec![handler(vec![times(3, 5)])], slowest: vec![slow.clone()] };
    let brief = Handlers { at_ns: 2, handlers: vec![handler(Vec::new())], slowest: Vec::new() };
    let history = process().line(Line::Handler(whole)).line(Line::Handler(brief)).ended();
    let handlers = history.handlers().unwrap();
    assert_eq!((handlers.at_ns, &handlers.slowest), (2, &vec![slow]));
    assert_eq!(handlers.handlers[0].latency_by_status, [times(3, 5)]);
}

#[test]
fn a_stall_that_never_ended_is_ongoing() {
    let deadlock =
        Stall { phase: Phase::Progress, lock: Some("mutex".into()), ..stall("src/a.rs:9", 800, Cause::Lock) };
    let finding = found(&process().stall(deadlock).killed()).remove(0);
    assert!(finding.ongoing);
    assert!(finding.to_string().contains("800ms, and had not ended (lock mutex)"), "{finding}");
    assert!(
        finding.help.starts_with("it has not ended: if it does not, look for a lock"),
        "{}",
        finding.help
    );
}

#[test]
fn a_stall_of_the_host_is_information() {
    let finding = found(&process().blocked("src/a.rs:1", 300, Cause::Host).ended()).remove(0);
    assert_eq!((finding.rule, finding.severity, finding.cause), (Rule::HostPause, Severity::Info, Why::Host));
    assert_eq!((finding.max_ns, finding.attributable_max_ns), (300 * MS, 0));
    let partly = |ms: u64| Stall { attributable_ns: ms * MS, ..stall("src/a.rs:1", 300, Cause::Cpu) };
    let finding = found(&process().stall(partly(150)).stall(partly(200)).ended()).remove(0);
    assert_eq!((finding.total_ns, finding.attributable_total_ns), (600 * MS, 350 * MS));
}

#[test]
fn a_pause_and_the_stall_that_it_made_are_one_event() {
    let host = Stall { started_ns: 100 * MS, ..stall("src/a.rs:1", 300, Cause::Host) };
    let finding = found(&process().pause(390, 280).stall(host).ended()).remove(0);
    assert_eq!((finding.count, finding.max_ns), (1, 280 * MS));
}

#[test]
fn a_pause_in_which_code_was_run_is_no_pause_of_the_process() {
    let computing = Stall { started_ns: 100 * MS, ..stall("src/a.rs:1", 300, Cause::Cpu) };
    let rules: Vec<_> = found(&process().pause(390, 280).stall(computing).ended())
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    assert_eq!(rules, [Rule::BlockingPoll]);
    let partly =
        Stall { started_ns: 100 * MS, attributable_ns: 150 * MS, ..stall("src/a.rs:1", 300, Cause::Cpu) };
    let found = found(&process().pause(390, 280).stall(partly).ended());
    let pause = found.iter().find(|finding| finding.rule == Rule::HostPause).expect("a pause");
    assert_eq!(pause.max_ns, 150 * MS, "what the code answers for is not told twice");
}

#[test]
fn pauses_that_are_no_longer_kept_count_as_well() {
    let many = (1..=3000).fold(process(), |process, at| process.pause(at * 1000, 150 + at % 3));
    let finding = found(&many.ended()).remove(0);
    assert_eq!((finding.count, finding.total_ns, finding.max_ns), (3000, 3000 * 151 * MS, 152 * MS));
    let made =
        |at: u64| Stall { started_ns: (at * 1000 - 150) * MS, ..stall("src/a.rs:1", 150, Cause::Host) };
    let twice = (1..=3000).fold(process(), |process, at| process.stall(made(at)).pause(at * 1000, 150));
    assert_eq!(found(&twice.ended()).remove(0).count, 3000, "a pause and its stall are one event");
}

#[test]
fn stalls_of_the_host_that_are_no_longer_kept_count_as_well() {
    let many = (0..5000).fold(process(), |process, _| process.blocked("src/a.rs:1", 150, Cause::Host));
    let finding = found(&many.ended()).remove(0);
    assert_eq!((finding.count, finding.total_ns), (5000, 5000 * 150 * MS));
}

#[test]
fn a_short_pause_is_not_worth_a_finding() {
    assert_eq!(found(&process().pause(50, 30).ended()), []);
}

#[test]
fn a_poll_that_only_the_host_made_too_long_is_a_warning() {
    let partly = Stall { attributable_ns: 60 * MS, ..stall("src/a.rs:1", 150, Cause::Cpu) };
    assert_eq!(found(&process().stall(partly).ended())[0].severity, Severity::Warning);
}

#[test]
fn a_wait_behind_a_stall_names_its_culprit() {
    let history =
        process().blocked("src/a.rs:1", 300, Cause::Cpu).lag(280, 280, &[1]).lag(150, 150, &[1]).ended();
    let lag = found(&history).into_iter().find(|finding| finding.rule == Rule::LoopLag).expect("a lag");
    assert_eq!(lag.to_string(), "src/a.rs:1 kept new work waiting 2 times, at most 280ms (cpu)");
}

#[test]
fn a_wait_behind_no_stall_is_saturation() {
    let finding = found(&process().lag(80, 80, &[]).ended()).remove(0);
    assert_eq!(
        (finding.rule, finding.severity, finding.cause),
        (Rule::LoopLag, Severity::Warning, Why::Saturation)
    );
    assert!(!finding.culprit.is_known());
}

#[test]
fn a_wait_that_the_host_made_is_no_finding() {
    assert_eq!(found(&process().lag(80, 5, &[]).ended()), []);
}

#[test]
fn without_a_frame_of_the_users_the_spawn_location_is_named() {
    let stack = Some(Stack {
        frames: vec![Frame { function: Some("read".into()), ..Frame::default() }],
        ..Stack::default()
    });
    let stall = Stall { stack, task: task("src/main.rs:20:5"), ..stall("src/a.rs:1", 200, Cause::Cpu) };
    let finding = found(&process().stall(stall).ended()).remove(0);
    assert_eq!(finding.culprit.to_string(), "a task spawned at src/main.rs:20:5");
}

#[test]
fn without_symbols_module_and_offset_are_named() {
    let frames = vec![Frame { module: Some(0), offset: 0x4f20, ..Frame::default() }];
    let modules = vec![Module { path: "/usr/bin/app".into(), build_id: None }];
    let stack = Some(Stack { culprit: Some(0), frames, modules, ..Stack::default() });
    let finding =
        found(&process().stall(Stall { stack, ..stall("src/a.rs:1", 200, Cause::Cpu) }).ended()).remove(0);
    assert_eq!(finding.culprit.to_string(), "app+0x4f20");
    assert_eq!(finding.culprit_frame(), Some(0));
}

#[test]
fn without_any_stack_the_owner_is_named() {
    let stall = Stall { stack: None, owner: Owner::Root, ..stall("src/a.rs:1", 200, Cause::Cpu) };
    assert_eq!(found(&process().stall(stall).ended())[0].culprit.to_string(), "the root future");
}

#[test]
fn the_same_line_in_two_processes_is_one_finding() {
    let one = || process().blocked("src/a.rs:1", 200, Cause::Cpu).ended();
    let found = findings(&[&one(), &one()]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].count, 2);
}

#[test]
fn the_same_line_of_two_projects_is_two_findings_whoever_tells_where_they_lie() {
    let told = |root: &str| process().rooted(root).blocked("src/a.rs:1", 200, Cause::Cpu).ended();
    let learnt = |root: &str| {
        let mut stall = stall("src/a.rs:1", 200, Cause::Cpu);
        stall.stack.as_mut().expect("a stack").source_root = Some(root.into());
        process().stall(stall).ended()
    };
    let (one, other) = (learnt("/srv/one"), learnt("/srv/other"));
    assert_eq!(one.source_root(), Some("/srv/one"));
    assert_eq!(findings(&[&one, &other]).len(), 2);
    assert_eq!(findings(&[&one, &told("/srv/one")]).len(), 1);
    assert_eq!(findings(&[&one, &told("/srv/other")]).len(), 2);
}

#[test]
fn a_frame_s_place_is_short() {
    for (file, short) in [
        ("src/a.rs", "src/a.rs:7"),
        ("/rustc/59807616e1/library/std/src/fs.rs", "std/src/fs.rs:7"),
        ("/srv/u/.rustup/toolchains/x/lib/rustlib/src/rust/library/core/src/a.rs", "core/src/a.rs:7"),
        ("/srv/u/.cargo/registry/src/index.crates.io-19/serde-1.0.0/src/de.rs", "serde-1.0.0/src/de.rs:7"),
    ] {
        let mut stall = stall("src/a.rs:1", 200, Cause::Cpu);
        stall.stack.as_mut().expect("a stack").frames[0].file = Some(file.into());
        stall.stack.as_mut().expect("a stack").frames[0].line = Some(7);
        let finding = found(&process().stall(stall).ended()).remove(0);
        assert_eq!(finding.stack[0].place().as_deref(), Some(short));
    }
}

#[test]
fn help_fits_the_call() {
    let called = |function: &str, cause, syscall: &str, lock: &str| {
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let mut stall = Stall { syscall: name(syscall), lock: name(lock), ..stall("src/a.rs:1", 200, cause) };
        stall.stack.as_mut().expect("a stack").frames[0].function = name(function);
        found(&process().line(Line::Stall(stall)).ended()).remove(0).help
    };
    for (function, cause, syscall, lock, help) in [
        (
            "std::thread::functions::sleep",
            Cause::Syscall,
            "clock_nanosleep",
            "",
            "instead of std::thread::sleep",
        ),
        ("", Cause::Syscall, "clock_nanosleep", "", "tokio::time::sleep"),
        ("std::fs::File::open", Cause::Syscall, "openat", "", "tokio::fs"),
        ("", Cause::Syscall, "fdatasync", "", "spawn_blocking"),
        ("ureq::request", Cause::Syscall, "recvfrom", "", "async HTTP client"),
        ("std::process::Child::wait", Cause::Syscall, "wait4", "", "tokio::process"),
        ("std::sys::futex::lock", Cause::Lock, "futex", "mutex", "hold the lock for less"),
        ("futures_executor::local_pool::block_on", Cause::Lock, "futex", "park", "await the future"),
        ("", Cause::Lock, "futex", "barrier", "tokio::sync::Barrier"),
        ("app::fib", Cause::Cpu, "", "", "spawn_blocking"),
        ("dep::vfs::reader::parse", Cause::Cpu, "", "", "yield_now"),
        ("<std::fs::File as std::io::Read>::read", Cause::Syscall, "read", "", "tokio::fs"),
        ("argon2::fill", Cause::Cpu, "", "", "hash in tokio::task::spawn_blocking"),
        ("", Cause::Unknown, "", "", "off the event loop"),
    ] {
        let said = called(function, cause, syscall, lock);
        assert!(said.contains(help), "{function} {cause:?} {syscall}{lock}: {said}");
    }
}

#[test]
fn the_printing_of_a_panic_is_told_from_the_work_of_the_code_however_deep_it_is() {
    let mut stall = stall("src/a.rs:1", 200, Cause::Cpu);
    let stack = stall.stack.as_mut().expect("a stack");
    let named = |name: &str| Frame { function: Some(name.into()), ..Frame::default() };
    stack.frames[0] = named("std::panicking::default_hook::{closure#0}");
    stack.frames.splice(0..0, (0..40).map(|_| named("<gimli::read::Unit>::new")));
    stack.culprit = stack.culprit.map(|culprit| culprit + 40);
    let help = found(&process().stall(stall).ended()).remove(0).help;
    assert!(help.starts_with("it panicked") && help.contains("RUST_BACKTRACE"), "{help}");
}

#[test]
fn a_name_that_the_user_chose_is_no_call() {
    let mut stall = stall("src/fs/read.rs:1", 200, Cause::Cpu);
    stall.stack.as_mut().expect("a stack").frames[1].function = Some("app::fs::reader::parse".into());
    let help = found(&process().stall(stall).ended()).remove(0).help;
    assert!(help.starts_with("move the computation"), "{help}");
}
