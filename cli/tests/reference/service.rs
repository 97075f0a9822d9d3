//! Each route of the service, asked as its clients ask it.

use crate::harness::{Response, SERVE, Server, alone, stallscope};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};
use std::io::Cursor;
use std::process::Stdio;
use std::thread;

const PNG: (&str, &str) = ("Content-Type", "image/png");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn user(server: &Server, id: &str, authorization: &str) -> Response {
    server.request("GET", &format!("/users/{id}"), &[("Authorization", authorization)], b"")
}

#[test]
fn users_are_read_with_a_token() {
    let server = Server::start();
    let told = server.get("/").1["more"].to_string();
    assert!(told.contains("GET /users/{id} with the header Authorization: Bearer reference"), "{told}");
    let found = user(&server, "7", "Bearer reference");
    assert_eq!(found.status, 200);
    assert_eq!(found.json(), json!({ "id": 7, "name": "User 7", "email": "user7@example.com" }));
    assert_eq!(user(&server, "7", "bearer reference").status, 200, "a scheme's case does not matter");
    for (id, status) in [("0", 404), ("1001", 404), ("-1", 404), ("seven", 400), ("7.0", 400)] {
        let response = user(&server, id, "Bearer reference");
        assert_eq!(response.status, status, "{id}: {response:?}");
        assert!(response.json()["error"].is_string());
    }
}

#[test]
fn without_the_token_nobody_learns_who_there_is() {
    let server = Server::start();
    for (id, authorization, challenge) in [
        ("7", "", r#"Bearer realm="reference""#),
        ("7", "Basic cmVmZXJlbmNl", r#"Bearer realm="reference""#),
        ("7", "reference", r#"Bearer realm="reference""#),
        ("7", "Bearer ", r#"Bearer realm="reference""#),
        ("7", "Bearer Reference", r#"Bearer realm="reference", error="invalid_token""#),
        ("1001", "Bearer guess", r#"Bearer realm="reference", error="invalid_token""#),
        ("seven", "Bearer guess", r#"Bearer realm="reference", error="invalid_token""#),
    ] {
        let response = user(&server, id, authorization);
        assert_eq!(response.status, 401, "{authorization}");
        assert_eq!(response.header("www-authenticate"), Some(challenge), "{authorization}");
    }
}

#[test]
fn an_aggregate_has_what_came_and_says_what_did_not() {
    let server = Server::start();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for (query, status, parts, failed) in [
        ("?item=7&ms=1", 200, &["flaky", "item", "slow"][..], &[][..]),
        ("?fail=100", 200, &["item", "slow"], &["flaky"]),
        ("?ms=5000", 200, &["flaky", "item"], &["slow"]),
        ("?item=0&ms=5000", 200, &["flaky"], &["item", "slow"]),
        ("?item=0&ms=5000&fail=100", 502, &[], &["flaky", "item", "slow"]),
    ] {
        let (found, answer) = server.get(&format!("/aggregate{query}"));
        assert_eq!(found, status, "{query}: {answer}");
        assert_eq!(names(&answer["parts"]), parts, "{query}: {answer}");
        assert_eq!(names(&answer["failed"]), failed, "{query}: {answer}");
    }
    let (_, answer) = server.get("/aggregate?item=7&ms=5000&fail=100");
    assert_eq!(answer["parts"]["item"]["id"], 7);
    assert!(answer["failed"]["slow"].as_str().unwrap().contains("within"), "{answer}");
    assert!(answer["failed"]["flaky"].as_str().unwrap().contains("503"), "{answer}");
}

/// An image of these dimensions, all black.
fn image(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(width, height).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn an_image_comes_back_small() {
    let server = Server::start();
    for (kind, format) in [("image/png", ImageFormat::Png), ("image/jpeg", ImageFormat::Jpeg)] {
        let body = image(300, 150, format);
        let response = server.request("POST", "/image", &[("Content-Type", kind)], &body);
        assert_eq!((response.status, response.header("content-type")), (200, Some("image/png")));
        let small = image::load_from_memory(&response.body).unwrap();
        assert_eq!((small.width(), small.height()), (128, 64));
        let accept = ("Accept", "application/json");
        let response = server.request("POST", "/image", &[("Content-Type", kind), accept], &body);
        assert_eq!(response.json(), json!({ "original": [300, 150], "thumbnail": [128, 64] }));
    }
    let tiny = server.request("POST", "/image", &[PNG], &image(2, 3, ImageFormat::Png));
    assert_eq!(image::load_from_memory(&tiny.body).unwrap().width(), 2, "none is blown up");
}

#[test]
fn what_is_no_image_is_refused() {
    let server = Server::start();
    let png = image(9, 9, ImageFormat::Png);
    // Few bytes in the file, some gigabytes in memory.
    let bomb = {
        let mut bytes = png.clone();
        bytes[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        bytes
    };
    for (headers, body, status) in [
        (&[PNG][..], &png[..20], 422),
        (&[PNG], b"no image", 422),
        (&[PNG], &bomb, 422),
        (&[PNG], b"", 400),
        (&[("Content-Type", "image/gif")], b"GIF89a", 415),
        (&[("Content-Type", "image/jpeg")], &png, 422),
        (&[], &png, 415),
    ] {
        let response = server.request("POST", "/image", headers, body);
        assert_eq!(response.status, status, "{headers:?}: {response:?}");
        assert!(response.json()["error"].is_string());
    }
}

#[test]
fn images_past_the_places_are_refused_and_may_come_again() {
    let _alone = alone();
    let server = Server::start();
    // Large enough to be worked on while all the others come.
    let body = image(2_000, 2_000, ImageFormat::Png);
    let send = || server.request("POST", "/image", &[PNG], &body);
    let responses: Vec<_> = thread::scope(|scope| {
        let sent: Vec<_> = (0..12).map(|_| scope.spawn(send)).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    });
    let count = |status| responses.iter().filter(|response| response.status == status).count();
    assert!(count(200) >= 4 && count(503) >= 1 && count(200) + count(503) == 12, "{responses:?}");
    for refused in responses.iter().filter(|response| response.status == 503) {
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    assert_eq!(send().status, 200);
}

#[test]
fn an_upstream_that_fails_is_tried_again_and_then_left_alone() {
    let server = Server::start();
    let ask = |fail| server.request("GET", &format!("/upstream/flaky?fail={fail}"), &[], b"");
    let well = ask(0);
    assert_eq!((well.status, well.header("x-breaker")), (200, Some("closed")));
    assert_eq!((&well.json()["attempts"], &well.json()["breaker"]), (&json!(1), &json!("closed")));

    // Four failures, and two more make six.
    let failed = ask(100);
    assert_eq!((failed.status, failed.header("x-breaker")), (502, Some("closed")), "{failed:?}");
    assert!(
        failed.json()["error"].as_str().unwrap().contains("failed 4 times, at last so: it answered 503"),
        "{failed:?}"
    );
    for _ in 0..2 {
        let refused = ask(100);
        assert_eq!((refused.status, refused.header("x-breaker")), (503, Some("open")), "{refused:?}");
        assert_eq!(refused.header("retry-after"), Some("1"));
    }

    // It says when to come again, and then one request finds that all is well.
    thread::sleep(std::time::Duration::from_secs(1));
    let again = ask(0);
    assert_eq!((again.status, again.header("x-breaker")), (200, Some("closed")), "{again:?}");
}

fn order(server: &Server, rounds: u32) -> Response {
    let order = json!({ "text": "a", "rounds": rounds }).to_string();
    server.request("POST", "/jobs", &[JSON], order.as_bytes())
}

#[test]
fn a_job_is_done_after_its_request() {
    let server = Server::start();
    let response = order(&server, 2);
    assert_eq!((response.status, response.json()), (202, json!({ "id": 1 })));
    let place = response.header("location").unwrap();
    let done = loop {
        let (status, job) = server.get(place);
        assert_eq!(status, 200);
        if job["state"] != "queued" && job["state"] != "running" {
            break job;
        }
    };
    let hash = "bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8";
    assert_eq!(done, json!({ "state": "done", "hash": hash }));
    assert_eq!(server.get("/jobs").1, json!({ "queued": 0, "room": 16, "running": 0, "done": 1 }));
    assert_eq!(server.get("/jobs/2").0, 404);
}

#[test]
fn a_full_queue_is_seen_and_takes_no_more() {
    let _alone = alone();
    let server = Server::start();
    // As many wait as have room, and some are done meanwhile.
    let mut taken = 0;
    let refused = loop {
        let response = order(&server, 1_000_000);
        if response.status != 202 {
            break response;
        }
        taken += 1;
        assert!(taken < 500, "the queue is without bound");
    };
    assert!(taken >= 16, "{taken}");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    let (_, depth) = server.get("/jobs");
    assert!(depth["queued"].as_u64().unwrap() >= 10, "{depth}");
    assert_eq!(depth["running"], 1, "{depth}");
}

/// The token of a form, and the cookie that came with it.
fn form(server: &Server) -> (String, String) {
    let response = server.request("GET", "/form", &[], b"");
    let (_, token) = response.text().split_once("name=\"token\" value=\"").expect("a token");
    let cookie = response.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    (token[..32].to_owned(), cookie.split(';').next().unwrap().to_owned())
}

#[test]
fn a_form_is_taken_only_from_its_own_page() {
    let server = Server::start();
    let (token, cookie) = form(&server);
    let (other_token, other_cookie) = form(&server);
    let send = |cookie: &str, token: &str| {
        let body = format!("token={token}&word=hello");
        server.request("POST", "/form", &[FORM, ("Cookie", cookie)], body.as_bytes())
    };
    let taken = send(&cookie, &token);
    assert_eq!((taken.status, taken.json()), (200, json!({ "word": "hello" })));
    assert_eq!(send(&other_cookie, &other_token).status, 200);

    let unsigned = format!("xsrf={token}");
    let forged = cookie.replace(&token, &other_token);
    assert_ne!(forged, cookie);
    for (cookie, token) in [
        ("", &token[..]),
        (&cookie, ""),
        (&cookie, &other_token),
        (&other_cookie, &token),
        (&unsigned, &token),
        (&forged, &other_token),
    ] {
        let refused = send(cookie, token);
        assert_eq!(refused.status, 403, "{cookie} {token}: {refused:?}");
    }
    let no_token = server.request("POST", "/form", &[FORM, ("Cookie", &cookie)], b"word=hello");
    assert_eq!(no_token.status, 403);
}

#[test]
fn processes_take_each_other_s_forms() {
    let mut command = stallscope(&SERVE);
    let server = Server::of(command.args(["--processes", "2"]).stderr(Stdio::null()));
    let (token, cookie) = form(&server);
    let body = format!("token={token}&word=hello");
    for _ in 0..20 {
        let taken = server.request("POST", "/form", &[FORM, ("Cookie", &cookie)], body.as_bytes());
        assert_eq!(taken.status, 200, "{taken:?}");
    }
}

#[test]
fn a_visitor_with_two_tabs_keeps_one_token() {
    let server = Server::start();
    let (token, cookie) = form(&server);
    let again = server.request("GET", "/form", &[("Cookie", &cookie)], b"");
    assert!(again.text().contains(&token), "{again:?}");
}

#[test]
fn a_server_that_lives_and_takes_requests_says_so() {
    let server = Server::start();
    assert_eq!(server.get("/healthz"), (200, json!({ "alive": true })));
    assert_eq!(server.get("/readyz"), (200, json!({ "ready": true })));
}
