//! None of the service's routes blocks the event loop, and the instrument is the judge of it.

use crate::harness::{SERVE, Server, alone, stallscope};
use image::{DynamicImage, ImageFormat};
use std::io::Cursor;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const LOAD: Duration = Duration::from_secs(4);

#[test]
fn under_load_of_all_routes_nothing_is_found() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let mut check = stallscope(&["check", "--format", "json", "-o", report.to_str().unwrap(), "--"]);
    check.arg(env!("CARGO_BIN_EXE_stallscope")).args(SERVE).stderr(Stdio::null());
    let mut server = Server::of(&mut check);

    let until = Instant::now() + LOAD;
    let asked: Vec<u32> = thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(|| ask_until(&server, until))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert!(asked.iter().all(|&rounds| rounds > 0), "{asked:?}");

    drop(server.child.stdin.take());
    let code = server.child.wait().unwrap().code();
    let report = std::fs::read_to_string(&report).unwrap();
    // 97: the machine did not run it for a while, which no code answers for.
    assert!(matches!(code, Some(0 | 97)), "{code:?}: {report}");
}

/// Asks for one route after the other, and gives how often it has gone round.
fn ask_until(server: &Server, until: Instant) -> u32 {
    let mut png = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(600, 400).write_to(&mut png, ImageFormat::Png).unwrap();
    let bearer = ("Authorization", "Bearer reference");
    let json = ("Content-Type", "application/json");
    let requests = [
        ("GET", "/", &[("Accept-Encoding", "gzip")][..], &b""[..]),
        ("GET", "/users/7", &[bearer], b""),
        ("GET", "/aggregate?ms=5&fail=50", &[], b""),
        ("GET", "/upstream/flaky?fail=80", &[], b""),
        ("POST", "/image", &[("Content-Type", "image/png")], png.get_ref()),
        ("POST", "/jobs", &[json], br#"{"text": "a", "rounds": 2000}"#),
        ("GET", "/jobs", &[], b""),
        ("GET", "/form", &[], b""),
        ("GET", "/readyz", &[], b""),
    ];
    let mut rounds = 0;
    while Instant::now() < until {
        for (method, path, headers, body) in requests {
            let response = server.request(method, path, headers, body);
            // What fails on purpose, or has no room for now, says so.
            assert!(matches!(response.status, 200 | 202 | 502 | 503), "{method} {path}: {response:?}");
        }
        rounds += 1;
    }
    rounds
}
