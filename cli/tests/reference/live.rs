//! The stream of events and the chats, as their clients see them.

use crate::client::{Client, Events, frame, raw};
use crate::harness::{Server, alone};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::process::Stdio;
use tokio_tungstenite::tungstenite::Message;

/// A server that pings often.
fn pinging() -> Server {
    Server::told(&["--heartbeat", "2s"], Stdio::null())
}

/// How many of the server's connections were closed by the other side and not by the server, as the kernel counts them.
fn half_closed(server: SocketAddr) -> usize {
    let port = format!(":{:04X}", server.port());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    // 08 is CLOSE_WAIT.
    rows.filter(|row| row[1].ends_with(&port) && row[3] == "08").count()
}

#[test]
fn all_others_hear_what_one_says() {
    let server = Server::start();
    for path in ["/ws", "/ws/leaky"] {
        let mut clients = [(); 3].map(|()| Client::join(&server, path));
        clients[0].say("one");
        for client in &mut clients[1..] {
            assert_eq!(client.hear(), json!({ "from": 1, "text": "one" }), "{path}");
        }
        // Had it heard itself, that would come first.
        clients[1].say("two");
        assert_eq!(clients[0].hear(), json!({ "from": 2, "text": "two" }), "{path}");
    }
}

#[test]
fn what_makes_no_sense_is_answered_and_the_client_stays() {
    let server = Server::start();
    let (mut one, mut other) = (Client::join(&server, "/ws"), Client::join(&server, "/ws"));
    for text in
        ["", "nonsense", "{}", "[1]", "{\"text\": 1}", "{\"text\": \"a\", \"more\": 1}", "{\"text\": \"a"]
    {
        one.0.send(Message::text(text)).unwrap();
        let answer = one.hear();
        assert!(answer["error"].as_str().unwrap().contains("{\"text\": \"…\"}"), "{text:?}: {answer}");
    }
    one.0.send(Message::binary(vec![0; 10])).unwrap();
    assert!(one.hear()["error"].as_str().unwrap().contains("not bytes"));
    one.say("now \"right\" \u{1f41a}");
    assert_eq!(other.hear()["text"], "now \"right\" \u{1f41a}");
}

#[test]
fn pages_of_other_origins_are_refused() {
    let server = Server::start();
    let ask = |path: &str, origin: &str| {
        let headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Origin", origin),
        ];
        server.request("GET", path, &headers, b"")
    };
    for path in ["/ws", "/ws/leaky"] {
        for origin in ["http://evil.example", "null", &format!("http://{}.evil.example", server.addr)] {
            let response = ask(path, origin);
            assert_eq!(response.status, 403, "{path} {origin}: {response:?}");
            assert!(response.json()["error"].is_string());
        }
    }
    let live = server.get("/live").1;
    assert_eq!((&live["chat"]["refused"], &live["chat"]["joined"]), (&json!(3), &json!(0)), "{live:#}");
    let request = format!("ws://{}/ws", server.addr);
    let mut request =
        tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(request).unwrap();
    request.headers_mut().insert("Origin", format!("http://{}", server.addr).parse().unwrap());
    assert!(tokio_tungstenite::tungstenite::client::client(request, server.connect()).is_ok());
}

#[test]
fn what_is_no_handshake_is_refused() {
    let server = Server::start();
    let upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade")];
    let old = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "8"),
        ("Sec-WebSocket-Key", "x"),
    ];
    for (method, path, headers, status) in [
        ("GET", "/ws", &[][..], 400),
        ("GET", "/ws", &upgrade, 400),
        ("GET", "/ws", &old, 400),
        ("POST", "/ws", &upgrade, 405),
        ("DELETE", "/ws/leaky", &[], 405),
        ("POST", "/events", &[], 405),
        ("PUT", "/live", &[], 405),
    ] {
        let response = server.request(method, path, headers, b"");
        assert_eq!(response.status, status, "{method} {path} {headers:?}: {response:?}");
        assert!(response.json()["error"].is_string(), "{response:?}");
    }
}

#[test]
fn frames_that_are_none_close_the_connection_with_the_reason() {
    let server = Server::start();
    let mut witness = Client::join(&server, "/ws");
    let mut large = vec![0x81, 0xff];
    large.extend(100_000_u64.to_be_bytes());
    large.extend([0; 4]);
    for (what, bytes, code) in [
        ("not masked", &b"\x81\x05hello"[..], 1002_u16),
        ("an unknown kind", b"\x83\x80\0\0\0\0", 1002),
        ("reserved bits", b"\xf1\x80\0\0\0\0", 1002),
        ("a ping in parts", b"\x09\x80\0\0\0\0", 1002),
        ("the rest of nothing", b"\x80\x80\0\0\0\0", 1002),
        ("text that is none", b"\x81\x82\0\0\0\0\xff\xfe", 1007),
        ("100,000 bytes", &large, 1009),
    ] {
        let mut stream = raw(&server, "/ws");
        stream.write_all(bytes).unwrap();
        let (kind, content) = frame(&mut stream);
        assert_eq!((kind, &content[..2]), (8, &code.to_be_bytes()[..]), "{what}");
    }
    let live = server.live_until(|live| live["chat"]["broken"] == 7);
    assert_eq!(live["chat"]["members"], 1, "{live:#}");
    Client::join(&server, "/ws").say("still here");
    assert_eq!(witness.hear()["text"], "still here");
}

#[test]
fn a_client_that_leaves_is_out_of_the_room() {
    let server = Server::start();
    let mut polite = Client::join(&server, "/ws");
    let abrupt = Client::join(&server, "/ws");
    let mut half = raw(&server, "/ws");
    half.write_all(b"\x81").unwrap();
    server.live_until(|live| live["chat"]["members"] == 3);
    polite.0.close(None).unwrap();
    while polite.0.read().is_ok() {}
    drop(abrupt);
    half.shutdown(Shutdown::Both).unwrap();
    let live = server.live_until(|live| live["chat"]["members"] == 0);
    assert_eq!((&live["chat"]["left"], &live["kept"]), (&json!(3), &json!(0)), "{live:#}");
    drop((polite, half));
    assert_eq!(half_closed(server.addr), 0);
}

#[test]
fn a_client_that_answers_no_ping_is_closed_and_one_that_does_is_not() {
    let server = pinging();
    let mut silent = raw(&server, "/ws");
    let mut alive = Client::join(&server, "/ws");
    let alive = std::thread::spawn(move || (alive.hear(), alive));
    assert_eq!(frame(&mut silent), (9, vec![]));
    let (kind, content) = frame(&mut silent);
    assert_eq!((kind, &content[..2]), (8, &1008_u16.to_be_bytes()[..]));
    let live = server.live_until(|live| live["chat"]["silent"] == 1);
    assert_eq!(live["chat"]["members"], 1, "{live:#}");
    Client::join(&server, "/ws").say("to whoever is there");
    assert_eq!(alive.join().unwrap().0["text"], "to whoever is there");
}

#[test]
fn who_does_not_take_what_others_say_is_dropped_with_a_code() {
    let _alone = alone();
    let server = Server::start();
    let mut slow = Client::join(&server, "/ws");
    let (mut speaker, mut quick) = (Client::join(&server, "/ws"), Client::join(&server, "/ws"));
    let text = "x".repeat(60_000);
    // In step with a client that takes everything: only one that does not can be behind.
    let mut said = 0;
    while server.get("/live").1["chat"]["slow"] == 0 {
        for _ in 0..50 {
            speaker.say(&text);
            assert_eq!(quick.hear()["text"].as_str().unwrap().len(), text.len());
        }
        said += 50;
        assert!(said < 5_000, "what is kept for a slow client is without bound");
    }
    assert_eq!(slow.closed_with(), 1013);
    let live = server.get("/live").1;
    assert_eq!((&live["chat"]["slow"], &live["chat"]["members"]), (&json!(1), &json!(2)), "{live:#}");
}

#[test]
fn events_tick_and_tell_what_is_said() {
    let server = Server::start();
    let mut events = Events::of(&server);
    assert_eq!(events.next_of("tick"), json!({ "tick": 1, "listeners": 1 }));
    let mut client = Client::join(&server, "/ws");
    client.say("hear");
    client.say("hear");
    for _ in 0..2 {
        assert_eq!(events.next_of("chat"), json!({ "from": 1, "text": "hear" }));
    }
    assert!(events.next_of("tick")["tick"].as_u64() > Some(1));
}

#[test]
fn a_listener_that_leaves_is_noticed() {
    let server = Server::start();
    let mut listeners: Vec<_> = (0..5).map(|_| Events::of(&server)).collect();
    for listener in &mut listeners {
        listener.next();
    }
    server.live_until(|live| live["listeners"] == 5);
    listeners.truncate(2);
    server.live_until(|live| live["listeners"] == 2);
    drop(listeners);
    // The one connection is that of the question.
    server.live_until(|live| live["listeners"] == 0 && live["connections"] == 1);
}

#[test]
fn the_leaky_chat_keeps_the_sockets_of_those_who_left() {
    let server = Server::start();
    for path in ["/ws", "/ws/leaky"] {
        for round in 0..6 {
            let mut client = Client::join(&server, path);
            if round % 2 == 0 {
                client.0.close(None).unwrap();
                while client.0.read().is_ok() {
                    // Past the server's own close, there is nothing to wait for: the leaky one never ends.
                    if path == "/ws/leaky" {
                        break;
                    }
                }
            }
        }
    }
    let gone = |room: &Value| room["members"] == 0 && room["left"] == 6;
    let live = server.live_until(|live| gone(&live["chat"]) && gone(&live["leaky"]));
    assert_eq!(live["kept"], 6, "{live:#}");
    assert_eq!(half_closed(server.addr), 6);
    // They stay, whatever is said.
    let (mut one, mut other) = (Client::join(&server, "/ws/leaky"), Client::join(&server, "/ws/leaky"));
    one.say("is anybody there");
    assert_eq!(other.hear()["text"], "is anybody there");
    assert_eq!(half_closed(server.addr), 6);
}

#[test]
fn the_index_names_what_stays_open() {
    let server = Server::start();
    let index = server.get("/").1;
    for path in ["/events", "/ws", "/ws/leaky"] {
        let named = |line: &Value| line.as_str().unwrap().split([' ', ',']).any(|word| word == path);
        assert!(index["more"].as_array().unwrap().iter().any(named), "{path}: {index:#}");
    }
}
