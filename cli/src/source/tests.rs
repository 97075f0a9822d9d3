use super::discover::discover_in;
use super::open::{connect, own_uid};
use super::*;
use crate::scenario::Scenario;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use stallscope_wire::{Frame, Header, Line, Module, Phase, Stack, Stall};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A file with this in it.
fn log(folder: &TempDir, content: &[u8]) -> PathBuf {
    let path = folder.path().join("app.jsonl");
    fs::write(&path, content).expect("the log is written");
    path
}

/// A live socket that says this to the first that asks, and then hangs up.
fn live(folder: &TempDir, name: &str, said: Vec<u8>) -> PathBuf {
    let path = folder.path().join(name);
    let listener = UnixListener::bind(&path).expect("a socket");
    thread::spawn(move || listener.accept().and_then(|(mut stream, _)| stream.write_all(&said)));
    path
}

fn refusal(target: &str) -> String {
    Source::open(&Target::new(target)).expect_err("it is refused").to_string()
}

fn refusal_of(content: &[u8]) -> String {
    let folder = folder();
    refusal(log(&folder, content).to_str().expect("a plain path"))
}

/// All messages of a source but the lines, and how many lines there were.
fn read(path: PathBuf) -> (usize, Message) {
    let source = Source::open(&Target::Path(path)).expect("it opens");
    let mut lines = 0;
    loop {
        match source.messages.recv().expect("it ends with a message") {
            Message::Line(..) => lines += 1,
            last => return (lines, last),
        }
    }
}

#[test]
fn what_does_not_exist_is_told_with_what_does() {
    let missing = refusal("/nonexistent/app.jsonl");
    assert!(
        missing.starts_with("there is no /nonexistent/app.jsonl: name a pid, a live socket"),
        "{missing}"
    );
    assert!(missing.contains("now"), "{missing}");
    assert!(refusal("4294967295").starts_with("no process has the pid 4294967295\n"));
}

#[test]
fn a_process_without_the_instrument_is_told() {
    let own = refusal(&std::process::id().to_string());
    assert!(own.contains("has no live socket at") && own.contains("STALLSCOPE=off"), "{own}");
}

#[test]
fn an_address_is_refused_with_what_to_do() {
    let address = refusal("localhost:9000");
    assert!(address.contains("over the network is not supported yet; name a pid"), "{address}");
}

#[test]
fn a_folder_is_no_log() {
    let folder = folder();
    assert!(
        refusal(folder.path().to_str().expect("a plain path"))
            .contains("is a folder: name one of the event logs")
    );
}

#[test]
fn a_folder_stands_for_its_logs_the_newest_first() {
    let folder = folder();
    let open = || {
        open_all(&[Target::Path(folder.path().to_owned())]).map(|opened| (opened.sources, opened.left_out))
    };
    let refused = open().expect_err("there is nothing in it");
    assert!(refused.is_no_data() && refused.to_string().contains("holds no event log"), "{refused}");
    fs::write(folder.path().join("notes.txt"), "no log").expect("it is written");
    for (name, pid) in [("b.jsonl", 1), ("a.jsonl", 2), ("c.jsonl", 3)] {
        let path = folder.path().join(name);
        fs::write(&path, Line::Header(Header { pid, ..Header::default() }).encode()).expect("it is written");
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 - u64::from(pid));
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(written))
            .expect("its time");
    }
    fs::write(folder.path().join("d.jsonl"), "no log either").expect("it is written");
    let (sources, left_out) = open().expect("logs");
    assert_eq!(sources.iter().map(|source| source.header.pid).collect::<Vec<_>>(), [1, 2, 3]);
    let [unread] = &left_out[..] else { panic!("{left_out:?}") };
    assert!(unread.starts_with("not shown: ") && unread.contains("d.jsonl: this is no"), "{unread}");
    for pid in 4..=40 {
        let log = Line::Header(Header { pid, ..Header::default() }).encode();
        fs::write(folder.path().join(format!("{pid}.jsonl")), log).expect("it is written");
    }
    let (sources, left_out) = open().expect("logs");
    assert_eq!((sources.len(), left_out.len()), (32, 1));
    assert!(left_out[0].starts_with("9 older logs of "), "{left_out:?}");
}

#[test]
fn what_is_no_log_is_told() {
    assert!(refusal_of(b"\x7fELF\x02\x01\x01\0\0\0").contains("app.jsonl: this is no Stallscope event log"));
    assert!(refusal_of(b"{\"stallscope\":9,\"kind\":\"header\"}\n").contains("format version 9"));
    assert!(refusal_of(b"{\"stallscope\":9,\"kind\":\"header\"}\n").contains("update stallscope"));
}

#[test]
fn an_empty_log_is_no_data() {
    let folder = folder();
    let error = Source::open(&Target::Path(log(&folder, b""))).expect_err("it is refused");
    assert!(error.is_no_data(), "{error}");
}

#[test]
fn a_log_ends_in_order_or_without_its_mark_or_in_a_line() {
    let folder = folder();
    let whole = Scenario::new().quiet(1).ends().encoded();
    assert!(matches!(read(log(&folder, &whole)), (4, Message::Ended(Ending::Orderly))));
    let unfinished = Scenario::new().quiet(1).encoded();
    assert!(matches!(read(log(&folder, &unfinished)), (3, Message::Ended(Ending::Abrupt))));
    assert!(matches!(
        read(log(&folder, &unfinished[..unfinished.len() - 5])),
        (2, Message::Ended(Ending::Cut))
    ));
}

#[test]
fn a_damaged_log_is_read_up_to_the_damage() {
    let folder = folder();
    let damaged =
        [Scenario::new().quiet(1).encoded(), b"{\"kind\":\"stall\",\"id\":\"x\"}\n".to_vec()].concat();
    let (lines, Message::Failed(error)) = read(log(&folder, &damaged)) else { panic!("it is not told") };
    assert_eq!(lines, 3);
    assert!(error.to_string().starts_with("line 5 is malformed"), "{error}");
}

#[test]
fn a_live_process_is_read_until_it_goes() {
    let folder = folder();
    let socket = live(&folder, "7.sock", Scenario::new().quiet(1).encoded());
    assert!(matches!(read(socket), (3, Message::Ended(Ending::Abrupt))));
    let socket = live(&folder, "8.sock", Scenario::new().ends().encoded());
    assert!(matches!(read(socket), (1, Message::Ended(Ending::Orderly))));
}

#[test]
fn a_socket_of_a_process_that_is_gone_is_told() {
    let folder = folder();
    let socket = folder.path().join("7.sock");
    drop(UnixListener::bind(&socket).expect("a socket"));
    let gone = refusal(socket.to_str().expect("a plain path"));
    assert!(gone.ends_with("7.sock: its process has ended"), "{gone}");
}

#[test]
fn a_socket_of_another_user_is_not_connected_to() {
    let folder = folder();
    let socket = live(&folder, "7.sock", Scenario::new().encoded());
    let error =
        connect(&socket, own_uid() + 1, Duration::from_secs(1)).expect_err("it is refused").to_string();
    assert!(
        error.contains(&format!("belongs to the user with id {}: run stallscope as that user", own_uid())),
        "{error}"
    );
}

#[test]
fn a_process_that_is_stopped_is_not_waited_for() {
    let folder = folder();
    let socket = folder.path().join("7.sock");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let error =
        connect(&socket, own_uid(), Duration::from_millis(20)).expect_err("it is refused").to_string();
    assert!(error.contains("said nothing for 20ms: it may be stopped"), "{error}");
}

#[test]
fn a_process_that_takes_nobody_in_is_not_waited_for() {
    let folder = folder();
    let path = folder.path().join("7.sock");
    let listener =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).expect("a socket");
    let address = SocketAddrUnix::new(&path).expect("a short path");
    bind(&listener, &address).and_then(|()| listen(&listener, 0)).expect("it listens");
    let first = UnixStream::connect(&path).expect("one may wait");
    let error = connect(&path, own_uid(), Duration::from_millis(20)).expect_err("it is refused").to_string();
    assert!(error.contains("said nothing for 20ms: it may be stopped"), "{error}");
    drop(first);
}

#[test]
fn the_list_holds_the_living_and_the_dead() {
    let folder = folder();
    live(&folder, "12.sock", Scenario::new().quiet(1).encoded());
    drop(UnixListener::bind(folder.path().join("7.sock")).expect("a socket"));
    log(&folder, b"not a socket");
    let found = discover_in(folder.path(), own_uid()).expect("the folder is read");
    assert_eq!(found.iter().map(|found| found.pid).collect::<Vec<_>>(), [7, 12]);
    assert!(matches!(found[0].vitality, Vitality::Dead));
    assert!(matches!(&found[1].vitality, Vitality::Alive(summary) if summary.lines.len() == 1));
}

#[test]
fn a_folder_of_another_user_is_not_trusted() {
    let folder = folder();
    let error = discover_in(folder.path(), own_uid() + 1).expect_err("it is refused").to_string();
    assert!(error.contains("so it is not trusted: set XDG_RUNTIME_DIR"), "{error}");
}

#[test]
fn what_cannot_be_named_is_told_at_the_end_of_the_lines() {
    let folder = folder();
    let module = Module { path: "/bin/sh".into(), build_id: Some("0123".into()) };
    let frame = Frame { module: Some(0), offset: 7, ..Frame::default() };
    let stack = Stack { frames: vec![frame], modules: vec![module], ..Stack::default() };
    let draft = Stall { id: 1, draft: true, stack: Some(stack), ..Stall::default() };
    let over = Stall { phase: Phase::End, stack: None, ..draft.clone() };
    let header = Header { exe: "/bin/sh".into(), ..Header::default() };
    let lines = [Line::Header(header), Line::Stall(draft), Line::Stall(over)];
    let text: Vec<u8> = lines.iter().flat_map(Line::encode).collect();
    let source = Source::open(&Target::Path(log(&folder, &text))).expect("it opens");
    let told: Vec<_> = source.messages.iter().collect();
    let [_, _, Message::Line(line, _), Message::Ended(_)] = &told[..] else { panic!("{told:#?}") };
    let Line::Coverage(coverage) = &**line else { panic!("{line:#?}") };
    let [gap] = &coverage.missing[..] else { panic!("{coverage:#?}") };
    assert!(gap.what.contains("/bin/sh"), "{gap:?}");
}
