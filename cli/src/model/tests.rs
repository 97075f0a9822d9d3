use super::screen::SCREENS;
use super::*;
use crate::scenario::{Scenario, Watched};
use crate::source::Ending;
use stallscope_wire::{Cause, Certainty, Handlers, Lag, Line, Location, Mode, Pause, Request, Stall};

fn stalled() -> Scenario {
    Scenario::new().quiet(5).computes(1, 240).quiet(30).sleeps(2, 312)
}

fn sentence(watched: &Watched) -> String {
    let (process, ours) = watched.model.shown(watched.ours);
    health(process, ours).to_string()
}

fn marked(watched: &Watched) -> String {
    watched.model.listed(watched.ours).row().expect("a row").cells[0].value.shown().into_owned()
}

#[test]
fn says_which_line_blocks_and_who_waits() {
    assert_eq!(
        sentence(&stalled().live()),
        "worker 1 has been blocked 312ms at src/report.rs:42 (clock_nanosleep); 14 tasks wait"
    );
}

#[test]
fn says_that_nothing_is_wrong() {
    assert_eq!(
        sentence(&Scenario::new().quiet(5).live()),
        "healthy: loop lag p99 230us, 2 workers, 12 tasks"
    );
}

#[test]
fn the_thread_of_the_root_future_is_no_worker() {
    let mut watched = Scenario::new().quiet(5).live();
    let mut snapshot = watched.model.process().history.snapshot().expect("a snapshot").clone();
    snapshot.workers.push(stallscope_wire::Worker { thread: "main".into(), ..Default::default() });
    watched.model.apply(Line::Snapshot(snapshot), watched.ours);
    assert!(sentence(&watched).ends_with(", 2 workers, 12 tasks"), "{}", sentence(&watched));
}

#[test]
fn a_stall_that_a_snapshot_knows_nothing_of_goes_on_nowhere() {
    let mut watched = stalled().live();
    let mut snapshot = watched.model.process().history.snapshot().expect("a snapshot").clone();
    snapshot.at_ns += 1_000_000_000;
    snapshot.workers[1].stall = None;
    watched.model.apply(Line::Snapshot(snapshot), watched.ours);
    watched.model.settle();
    let process = watched.model.process();
    assert!(process.findings.iter().all(|finding| !finding.ongoing));
    assert!(Detail::all(process).iter().all(|detail| detail.ongoing.is_empty()));
    assert!(!sentence(&watched).contains("has been blocked"), "{}", sentence(&watched));
}

#[test]
fn a_process_between_two_stalls_is_not_called_healthy() {
    let watched = Scenario::new().quiet(5).sleeps(1, 312).wakes(1).quiet(3).live();
    assert_eq!(sentence(&watched), "1 stall in the last 10s: 312ms at src/report.rs:42 (clock_nanosleep)");
}

#[test]
fn a_process_that_records_nothing_is_not_called_healthy() {
    let mut watched = stalled().live();
    let mut snapshot = watched.model.process().history.snapshot().expect("a snapshot").clone();
    snapshot.mode = Mode::Off;
    watched.model.apply(Line::Snapshot(snapshot), watched.ours);
    assert_eq!(sentence(&watched), "nothing is recorded: the mode is off");
}

#[test]
fn a_stall_at_the_end_is_told() {
    let killed = sentence(&stalled().logged(Ending::Abrupt));
    let told = "worker 1 was blocked 312ms at src/report.rs:42 (clock_nanosleep) when the log stopped at";
    assert!(killed.starts_with(told), "{killed}");
    let ended = sentence(&stalled().wakes(2).ends().logged(Ending::Orderly));
    assert!(ended.starts_with("the process ended at 08:00:35 UTC; last state shown"), "{ended}");
}

#[test]
fn two_stalls_that_go_on_both_count() {
    let mut watched = stalled().live();
    let again = stalled().lines.into_iter().filter_map(|line| match line {
        Line::Stall(stall) if stall.id == 2 => Some(Line::Stall(Stall { id: 3, ..stall })),
        _ => None,
    });
    for line in again {
        watched.model.apply(line, watched.ours);
    }
    watched.model.settle();
    let process = watched.model.process();
    let detail = Detail::all(process).remove(0);
    assert_eq!(detail.total_ns(process, process.clock.now_ns(watched.ours)), 2 * 312_000_000);
    assert!(sentence(&watched).starts_with("2 of 2 workers are blocked, "), "{}", sentence(&watched));
}

#[test]
fn a_worker_is_blocked_from_the_stalls_first_line_to_its_last() {
    let doing = |scenario: Scenario| workers(scenario.live().model.process(), 0).remove(1).doing;
    assert!(matches!(doing(stalled()), Doing::Blocked { .. }));
    assert!(matches!(doing(stalled().wakes(2)), Doing::Polling { .. }));
}

#[test]
fn a_stall_explains_its_lag() {
    let lag = Lag { wait_ns: 300_000_000, attributable_ns: 300_000_000, stalls: vec![2], ..Lag::default() };
    let watched = stalled().line(Line::Lag(lag)).live();
    let process = watched.model.process();
    assert!(process.findings.iter().all(|finding| finding.rule == stallscope::analysis::Rule::BlockingPoll));
    assert_eq!(process.lag_behind(&process.findings[0]).map(|lag| lag.max_ns), Some(300_000_000));
}

#[test]
fn two_instances_of_a_generic_line_are_one_place() {
    let mut watched = stalled().live();
    let other = watched.model.process().history.stall(2).expect("the stall").stall.clone();
    let mut other = Stall { id: 3, duration_ns: 200_000_000, attributable_ns: 200_000_000, ..other };
    let frames = &mut other.stack.as_mut().expect("a stack").frames;
    frames[4].function = Some("shop_api::report::render::<u8>".into());
    let lag = Lag { wait_ns: 190_000_000, attributable_ns: 190_000_000, stalls: vec![3], ..Lag::default() };
    for line in [Line::Stall(other), Line::Lag(lag)] {
        watched.model.apply(line, watched.ours);
    }
    watched.model.settle();
    let process = watched.model.process();
    assert_eq!(process.findings.len(), 2, "no loop lag beside the stall that explains it");
    assert_eq!(process.lag_behind(&process.findings[0]).map(|lag| lag.max_ns), Some(190_000_000));
}

#[test]
fn what_is_only_probable_is_a_finding_of_its_own_and_said_to_be() {
    let mut watched = stalled().live();
    let certain = watched.model.process().history.stall(2).expect("the stall").stall.clone();
    let probable = Stall { id: 3, cause: Cause::Cpu, certainty: Certainty::Probable, ..certain };
    watched.model.apply(Line::Stall(probable), watched.ours);
    watched.model.settle();
    let details = Detail::all(watched.model.process());
    let accused = |id: u64| {
        details.iter().filter(|detail| detail.worst.is_some_and(|worst| worst.stall.id == id)).count()
    };
    assert_eq!([1, 2, 3].map(accused), [1, 1, 1], "each has the stall that is its own");
    let doubted: Vec<_> = details.iter().filter(|detail| detail.finding.doubt().is_some()).collect();
    assert!(matches!(&doubted[..], [detail] if detail.worst.is_some_and(|worst| worst.stall.id == 3)));
}

#[test]
fn a_stall_that_is_only_probable_is_a_warning_in_the_sentence_too() {
    let mut scenario = Scenario::new().quiet(5).sleeps(1, 312);
    for line in &mut scenario.lines {
        if let Line::Stall(stall) = line {
            stall.certainty = Certainty::Probable;
        }
    }
    let watched = scenario.live();
    let (process, ours) = watched.model.shown(watched.ours);
    assert_eq!(health(process, ours).level, Level::Warning);
    assert!(sentence(&watched).contains("(clock_nanosleep, probably)"), "{}", sentence(&watched));
}

#[test]
fn keys_move_the_mark_and_keep_it_in_bounds() {
    let watched = stalled().live();
    assert_eq!(marked(&watched), "src/report.rs:42");
    let watched = watched.press(&[Key::Down, Key::Down, Key::Down]);
    assert_eq!(marked(&watched), "src/password.rs:88");
    assert_eq!(marked(&watched.press(&[Key::Up, Key::Up])), "src/report.rs:42");
}

#[test]
fn the_mark_stays_on_its_finding_when_others_overtake_it() {
    let mut watched = Scenario::new().quiet(5).computes(1, 240).live().press(&[Key::Down]);
    for line in stalled().lines {
        watched.model.apply(line, watched.ours);
    }
    watched.model.settle();
    assert_eq!(watched.model.listed(watched.ours).marked, 1);
    assert_eq!(marked(&watched), "src/password.rs:88");
}

#[test]
fn enter_opens_the_stack_at_the_culprit_and_esc_comes_back() {
    let watched = stalled().live().press(&[Key::Enter]);
    assert!(matches!(watched.model.navigation.opened, Some(Opened::Finding(_))));
    assert_eq!(watched.model.navigation.cursor, 4);
    assert_eq!(watched.press(&[Key::Esc]).model.navigation.opened, None);
}

#[test]
fn numbers_and_tab_lead_to_every_screen() {
    let screen = |keys: &[Key]| stalled().live().press(keys).model.navigation.screen;
    for (key, expected) in ('1'..='7').zip(SCREENS) {
        assert_eq!(screen(&[Key::Char(key)]), expected);
    }
    assert_eq!(screen(&[Key::Char('8')]), Screen::Overview, "there is one process only");
    let told = stalled().live().press(&[Key::Char('8')]).model.notice.map(|notice| notice.text);
    assert!(told.is_some_and(|told| told.starts_with("there is one process here")));
    assert_eq!(screen(&[Key::Tab, Key::Tab]), Screen::Tasks);
    assert_eq!(screen(&[Key::Tab; 7]), Screen::Overview);
    assert_eq!(screen(&[Key::BackTab]), Screen::Runtime);
    assert_eq!(screen(&[Key::Enter, Key::Tab]), Screen::Stalls, "what is opened stays behind");
}

#[test]
fn esc_closes_what_is_opened_and_then_leads_to_the_overview() {
    let watched = spawning().press(&[Key::Enter]);
    assert!(matches!(watched.model.navigation.opened, Some(Opened::Site(_))));
    let watched = watched.press(&[Key::Esc]);
    assert_eq!((watched.model.navigation.screen, &watched.model.navigation.opened), (Screen::Tasks, &None));
    assert_eq!(watched.press(&[Key::Esc]).model.navigation.screen, Screen::Overview);
}

#[test]
fn a_frozen_screen_keeps_its_state_while_the_process_goes_on() {
    let mut watched = stalled().live().press(&[Key::Char(' ')]);
    watched.model.apply(Line::Pause(Pause { at_ns: 90_000_000_000, gap_ns: 5_000_000_000 }), watched.ours);
    watched.model.settle();
    assert_eq!(watched.model.shown(watched.ours).0.history.pauses().count(), 0);
    let watched = watched.press(&[Key::Char(' ')]);
    assert_eq!(watched.model.shown(watched.ours).0.history.pauses().count(), 1);
}

#[test]
fn q_and_ctrl_c_quit_even_from_the_help() {
    for key in [Key::Char('q'), Key::CtrlC] {
        assert!(stalled().live().press(&[Key::Char('?'), key]).model.quit);
    }
}

#[test]
fn an_empty_process_has_nothing_to_open() {
    let watched = Scenario::new().line(Line::Handler(Handlers::default())).live();
    let watched = watched.press(&[Key::Enter, Key::Down, Key::End, Key::Tab, Key::Enter, Key::End]);
    assert_eq!((watched.model.navigation.cursor, &watched.model.navigation.opened), (0, &None));
}

#[test]
fn the_mode_is_what_the_process_says() {
    let mut watched = stalled().takes_requests().live().press(&[Key::Char('m'), Key::Char('l')]);
    assert_eq!(watched.model.request(), Some(Request::Set { mode: Mode::Lean }));
    assert_eq!(watched.model.process().history.mode(), Mode::Full);
    assert!(watched.model.switching.notice().is_some());
    let mut snapshot = watched.model.process().history.snapshot().expect("a snapshot").clone();
    snapshot.mode = Mode::Lean;
    watched.model.apply(Line::Snapshot(snapshot), watched.ours);
    watched.model.settle();
    assert_eq!(watched.model.switching.notice(), None, "it has followed");
}

fn spawning() -> Watched {
    Scenario::new().quiet(30).spawns().live().press(&[Key::Char('3')])
}

fn places(watched: &Watched) -> Vec<String> {
    let listed = watched.model.listed(watched.ours);
    listed.table.rows.iter().map(|row| row.cells[0].value.shown().into_owned()).collect()
}

#[test]
fn tasks_are_sorted_by_the_column_that_one_chooses() {
    let watched = spawning();
    assert_eq!(places(&watched)[0], "src/session.rs:64:9", "most alive");
    assert_eq!(places(&watched)[3], "src/report.rs:12:9", "nothing is known of these");
    let watched = watched.press(&[Key::Char('s')]);
    assert_eq!(places(&watched)[0], "src/main.rs:20:5", "most spawned");
    let watched = watched.press(&[Key::Char('S')]);
    assert_eq!(places(&watched)[0], "hyper-util-0.1.20/src/rt/tokio.rs:75:9", "fewest spawned");
    assert_eq!(places(&watched)[3], "src/report.rs:12:9", "what is not known stays last");
}

#[test]
fn every_column_can_be_sorted_by_and_the_first_follows_the_last() {
    let mut watched = spawning();
    let order = |watched: &Watched| watched.model.listed(watched.ours).order;
    let first = order(&watched);
    let columns = watched.model.listed(watched.ours).table.columns.len();
    let mut seen = Vec::new();
    for _ in 0..columns {
        watched = watched.press(&[Key::Char('s')]);
        assert_eq!(places(&watched).len(), 4);
        assert!(!seen.contains(&order(&watched)));
        seen.push(order(&watched));
    }
    assert_eq!(order(&watched), first);
}

#[test]
fn those_idle_for_longest_come_first() {
    let watched = spawning().press(&[Key::Char('s'); 15]);
    assert_eq!(watched.model.listed(watched.ours).order.map(|order| order.by), Some("idle_ns"));
    assert_eq!(places(&watched)[0], "src/session.rs:64:9");
}

#[test]
fn the_mark_stays_on_its_line_when_the_order_changes_below_it() {
    let mut watched = spawning().press(&[Key::Down]);
    assert_eq!(marked(&watched), "src/main.rs:20:5");
    let mut snapshot = watched.model.process().history.snapshot().expect("a snapshot").clone();
    snapshot.locations[0].spawned += 5_000;
    snapshot.at_ns += 1_000_000_000;
    watched.model.apply(Line::Snapshot(snapshot), watched.ours);
    watched.model.settle();
    assert_eq!(watched.model.listed(watched.ours).marked, 0);
    assert_eq!(marked(&watched), "src/main.rs:20:5");
}

#[test]
fn the_pace_is_that_of_the_last_second() {
    let rows = tasks::rows(spawning().model.process());
    let pace =
        rows.iter().find(|row| row.place == "src/main.rs:20:5").and_then(|row| row.pace).expect("a pace");
    assert_eq!((pace.polls, pace.busy), (4_000.0, 0.12));
}

#[test]
fn a_line_is_busy_for_no_more_time_than_all_threads_have() {
    let mut watched = spawning();
    let mut snapshot = watched.model.process().history.snapshot().expect("a snapshot").clone();
    snapshot.locations[0].total_ns += 9_000_000_000;
    snapshot.at_ns += 1_000_000_000;
    watched.model.apply(Line::Snapshot(snapshot), watched.ours);
    let rows = tasks::rows(watched.model.process());
    let busy = rows.iter().filter_map(|row| row.pace).map(|pace| pace.busy).fold(0.0, f64::max);
    assert_eq!(busy, 2.0, "a poll of nine seconds ended within the last one");
}

#[test]
fn a_line_that_calls_spawn_blocking_is_known_by_ends_alone() {
    let rows = tasks::rows(spawning().model.process());
    let blocking: Vec<_> = rows.iter().filter(|row| row.blocking).collect();
    assert_eq!(blocking.len(), 1);
    assert_eq!(
        (blocking[0].place.as_str(), blocking[0].finished, blocking[0].alive),
        ("src/report.rs:12:9", Some(88), None)
    );
}

#[test]
fn what_is_found_about_a_line_is_told_with_it() {
    let watched = Scenario::new().quiet(30).leaks(20).live();
    let site = Site::of(watched.model.process(), "src/session.rs:64:9").expect("it spawned");
    assert!(site.row.accused);
    assert_eq!(site.findings.len(), 1);
}

#[test]
fn a_leak_is_said_when_nothing_blocks() {
    let leaking = Scenario::new().quiet(30).leaks(20);
    let said = sentence(&leaking.clone().live());
    assert!(
        said.starts_with("src/session.rs:64 spawned ") && said.contains(" more tasks than ended"),
        "{said}"
    );
    let said = sentence(&leaking.sleeps(2, 312).live());
    assert!(said.starts_with("worker 1 has been blocked"), "{said}");
}

#[test]
fn a_process_that_lost_work_is_not_called_healthy() {
    let said = sentence(&Scenario::new().quiet(30).fails(8).live());
    assert!(said.contains("; src/mail.rs:77 failed ") && !said.starts_with("healthy"), "{said}");
    let said = sentence(&Scenario::new().quiet(30).fails(8).loses(9).live());
    assert!(said.starts_with("src/mail.rs:51 has a task that nothing can wake"), "{said}");
}

#[test]
fn work_that_does_not_get_on_is_said() {
    let said = sentence(&Scenario::new().quiet(30).starves(8).live());
    assert_eq!(said, "src/mail.rs:51 spawned a task that was not polled for 1.4s so far");
}

#[test]
fn a_process_that_leaves_connections_open_is_told_to() {
    let watched = Scenario::new().quiet(5).leaves_open(14).live();
    let said =
        "GET /ws/leaky on 127.0.0.1:8080 keeps 4 connections that their clients closed, the oldest for 14s";
    assert_eq!(sentence(&watched), said);
    let (process, ours) = watched.model.shown(watched.ours);
    assert_eq!((health(process, ours).word, health(process, ours).level), ("LEAKING SOCKETS", Level::Bad));
}

#[test]
fn the_findings_of_a_large_process_are_brought_up_to_date_now_and_then() {
    let sleeps = Scenario::new().quiet(2).sleeps(1, 312);
    let stall = sleeps.lines.iter().find_map(|line| match line {
        Line::Stall(stall) => Some(stall.clone()),
        _ => None,
    });
    for (locations, at_once) in [(500, 1), (501, 0)] {
        let mut watched = Scenario::new().quiet(2).live();
        let mut snapshot = watched.model.process().history.snapshot().expect("a snapshot").clone();
        let location = |line| Location { spawned_at: format!("src/main.rs:{line}:1"), ..Location::default() };
        snapshot.locations = (0..locations).map(location).collect();
        let begun_ns = snapshot.at_ns;
        watched.model.apply(Line::Snapshot(snapshot), watched.ours);
        watched.model.settle();
        for (after_ms, found) in [(1, at_once), (400, at_once), (550, 1)] {
            let at_ns = begun_ns + after_ms * 1_000_000;
            let stall = Stall { at_ns, started_ns: begun_ns, ..stall.clone().expect("a stall") };
            watched.model.apply(Line::Stall(stall), watched.ours);
            watched.model.settle();
            assert_eq!(watched.model.process().findings.len(), found, "{locations} {after_ms}");
        }
    }
}
