//! `stallscope report` of a running server.

use crate::harness::{Server, alone, run};
use serde_json::Value;
use std::thread;
use std::time::Duration;

#[test]
fn a_running_process_is_looked_at_for_a_while() {
    let _alone = alone();
    let server = Server::start();
    let pid = server.child.id().to_string();
    // Before the look: not told. In it, from its beginning on: told.
    assert_eq!(server.get("/blocking/file").0, 200);
    let ended = thread::scope(|scope| {
        let look = scope.spawn(|| run(&["report", &pid, "--for", "4s", "--format", "json"]));
        thread::sleep(Duration::from_secs(1));
        while !look.is_finished() {
            assert_eq!(server.get("/blocking/sleep?ms=300").0, 200);
        }
        look.join().expect("it ends")
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).expect("one document");
    let places = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| finding["culprit"]["file"].as_str().unwrap_or_default().to_owned());
    let places: Vec<_> = places.collect();
    assert!(places.iter().any(|place| place.ends_with("faults/sleep.rs")), "{places:?}");
    assert!(!places.iter().any(|place| place.ends_with("faults/file.rs")), "{places:?}");
    let routes = report["requests"]["routes"].as_array().expect("a list");
    assert!(routes.iter().any(|route| route["route"] == "GET /blocking/sleep"), "{routes:?}");
    assert_eq!(report["processes"][0]["pid"].to_string(), pid);
}
