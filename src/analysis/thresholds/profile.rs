use super::Threshold;

/// What was started and lost or left open: none of it.
const LOSSES: [&str; 5] = [
    "never-awaited.count == 0",
    "never-polled.count == 0",
    "detached-panic.count == 0",
    "task-leak.count == 0",
    "socket-leak.count == 0",
];

/// The names of the profiles that need no file.
pub const PROFILES: [&str; 2] = ["default", "strict"];

/// What must hold in one of the [`PROFILES`]; none of another name. Of these, what no process can show is left out.
#[must_use]
pub fn profile(name: &str) -> Option<Vec<Threshold>> {
    let stall = match name {
        "default" => "stall.max < 100ms",
        "strict" => "stall.max < 10ms",
        _ => return None,
    };
    let assumed = |expr: &str| {
        let threshold: Threshold = expr.parse().expect("the profiles are well-formed");
        Threshold { assumed: true, ..threshold }
    };
    Some([stall].into_iter().chain(LOSSES).map(assumed).collect())
}

/// What must hold when nobody says: no stall, and nothing that was started and lost or left open. Of these, what no process can show is
/// left out.
#[must_use]
pub fn defaults() -> Vec<Threshold> {
    profile("default").unwrap_or_default()
}
