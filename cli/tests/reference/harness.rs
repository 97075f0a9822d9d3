//! The built binary, a server of it, and the little HTTP that it takes to ask one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary with arguments, and with no settings from outside.
pub(crate) fn stallscope(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stallscope"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE"))
    {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Ended {
    result(&mut stallscope(args))
}

/// Runs a command to its end.
pub(crate) fn result(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("output is text");
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A server on a free port; it ends with this value.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) addr: SocketAddr,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With settings from outside.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let mut command = stallscope(&["serve", "--addr", "127.0.0.1:0", "--exit-with-stdin"]);
        let mut child = command
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("it says where it listens");
        let addr = line.trim().strip_prefix("listening on http://").expect(&line).parse().expect(&line);
        Self { child, addr }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The head and the body of a response.
    pub(crate) fn exchange(&self, method: &str, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.addr).expect("the server takes connections");
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.addr)
            .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a whole response");
        let (head, body) = response.split_once("\r\n\r\n").expect(&response);
        (head.to_owned(), body.to_owned())
    }

    /// The status and the body of a response.
    pub(crate) fn ask(&self, method: &str, path: &str) -> (u16, serde_json::Value) {
        let (head, body) = self.exchange(method, path);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect(&head);
        (status, serde_json::from_str(&body).expect(&body))
    }

    pub(crate) fn get(&self, path: &str) -> (u16, serde_json::Value) {
        self.ask("GET", path)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its end tidies up what it keeps in files; one that does not come to it has been told long enough.
        drop(self.child.stdin.take());
        let told = Instant::now();
        while told.elapsed() < Duration::from_secs(5) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
