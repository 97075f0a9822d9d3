use crate::harness::{Ended, Server, alone, result, run, stallscope};

/// A demo, told to its end.
fn demo(scenario: &str, duration: &str) -> Ended {
    demo_with(&["--scenario", scenario, "--duration", duration])
}

fn demo_with(options: &[&str]) -> Ended {
    let _alone = alone();
    let mut command = stallscope(&[&["demo", "--headless"], options].concat());
    // What is set for the user's own programs does not hide anything.
    result(command.env("STALLSCOPE_THRESHOLD", "10s").env("STALLSCOPE_CLOSE_WAIT", "1h"))
}

#[test]
fn names_each_line_that_blocks_and_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pictures = folder.path().join("pictures");
    let pictures = pictures.to_str().expect("a name that is text");
    let demo = demo_with(&["--duration", "15s", "--pictures", pictures]);
    assert_eq!(demo.code, Some(0), "{demo:?}");
    for (file, cause) in [("sleep.rs", "clock_nanosleep"), ("cpu.rs", "cpu"), ("file.rs", "read")] {
        let place = format!("cli/src/reference/faults/{file}:");
        let found = demo.stdout.lines().any(|line| line.contains(&place) && line.contains(cause));
        assert!(found, "nothing at {place} with the cause {cause} in\n{}", demo.stdout);
    }
    // While both workers block, requests come in that nobody reads.
    let waited = |line: &str| line.contains(" connections waited behind it");
    assert!(demo.stdout.lines().any(waited), "nobody waited in\n{}", demo.stdout);
    let phases: Vec<_> = demo.stderr.lines().map(|line| line.split_whitespace().next()).take(3).collect();
    assert_eq!(phases, [Some("calm"), Some("stall"), Some("cure")], "{demo:?}");
    let picture =
        |name: &str| std::fs::read_to_string(folder.path().join("pictures").join(name)).expect(name);
    assert!(picture("dashboard.svg").contains(">BLOCKED</text>"), "it was taken while things were bad");
    assert!(picture("stall.svg").contains("cli/src/reference/faults/"));
    assert!(picture("tasks.svg").contains("cli/src/reference/connections.rs:"));
    assert!(demo.stderr.contains("GET / answered in "), "{demo:?}");
}

#[test]
fn each_way_to_block_is_found_at_its_line() {
    let demo = demo("blocking", "18s");
    assert_eq!(demo.code, Some(0), "{demo:?}");
    for file in ["sleep.rs", "cpu.rs", "file.rs", "http.rs", "db.rs", "dns.rs", "mutex.rs", "pool.rs"] {
        let place = format!("cli/src/reference/faults/{file}:");
        let found =
            demo.stdout.lines().any(|line| line.starts_with(&place) && line.contains("blocking-poll"));
        assert!(found, "nothing at {place} in\n{}\n{}", demo.stdout, demo.stderr);
    }
}

#[test]
fn the_route_that_forgets_its_connections_is_found_and_no_other() {
    let demo = demo("leaks", "15s");
    assert_eq!(demo.code, Some(0), "{demo:?}");
    let leaks: Vec<_> = demo.stdout.lines().filter(|line| line.contains("socket-leak")).collect();
    assert!(!leaks.is_empty() && leaks.iter().all(|leak| leak.contains("GET /ws/leaky ")), "{demo:?}");
}

#[test]
fn where_nothing_is_wrong_nothing_is_found() {
    for scenario in ["calm", "fixed"] {
        let demo = demo(scenario, "5s");
        assert_eq!(demo.code, Some(0), "{scenario}: {demo:?}");
        assert!(demo.stdout.starts_with("nothing found: "), "{scenario}: {demo:?}");
    }
}

#[test]
fn a_scenario_that_is_none_is_refused() {
    let demo = run(&["demo", "--scenario", "chaos"]);
    assert_eq!(demo.code, Some(2));
    assert!(demo.stderr.contains("leaks"), "{demo:?}");
}

#[test]
fn a_port_in_use_is_said_so() {
    let server = Server::start();
    let demo = run(&["demo", "--headless", "--addr", &server.addr.to_string()]);
    assert_eq!(demo.code, Some(2), "{demo:?}");
    assert!(demo.stderr.contains(&format!("error: cannot listen on {}", server.addr)), "{demo:?}");
}
