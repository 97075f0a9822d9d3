use crate::harness::{Server, result, run, stallscope};

#[test]
fn names_each_line_that_blocks_and_why() {
    // What is set for the user's own programs does not hide anything.
    let demo =
        result(stallscope(&["demo", "--headless", "--duration", "9s"]).env("STALLSCOPE_THRESHOLD", "10s"));
    assert_eq!(demo.code, Some(0), "{demo:?}");
    for (file, cause) in [("sleep.rs", "clock_nanosleep"), ("cpu.rs", "cpu"), ("file.rs", "read")] {
        let place = format!("cli/src/reference/faults/{file}:");
        let found = demo.stdout.lines().any(|line| line.contains(&place) && line.contains(cause));
        assert!(found, "nothing at {place} with the cause {cause} in\n{}", demo.stdout);
    }
    // While both workers block, requests come in that nobody reads.
    let waited = |line: &str| line.contains(" connections waited behind it");
    assert!(demo.stdout.lines().any(waited), "nobody waited in\n{}", demo.stdout);
}

#[test]
fn a_port_in_use_is_said_so() {
    let server = Server::start();
    let demo = run(&["demo", "--headless", "--addr", &server.addr.to_string()]);
    assert_eq!(demo.code, Some(2), "{demo:?}");
    assert!(demo.stderr.contains(&format!("error: cannot listen on {}", server.addr)), "{demo:?}");
}
