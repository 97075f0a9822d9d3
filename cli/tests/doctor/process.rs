//! Running processes, instrumented or not.

use super::bench::{Bench, Ran};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    /// One that has ended already needs neither.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of one's own for live sockets, and the binary that looks for them there.
fn doctor(bench: &Bench, process: &Running) -> Ran {
    let mut command = bench.stallscope("doctor", &[&process.0.id().to_string()]);
    Ran(command.env("XDG_RUNTIME_DIR", bench.path("")).output().expect("the binary runs"))
}

/// The reference server with this environment, once it takes requests.
fn server(bench: &Bench, environment: &[(&str, &str)]) -> Running {
    let mut command = bench.stallscope("serve", &["--addr", "127.0.0.1:0"]);
    command.env("XDG_RUNTIME_DIR", bench.path("")).envs(environment.iter().copied());
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
    assert!(line.starts_with("listening on"), "{line:?}");
    Running(server)
}

#[test]
fn a_process_that_is_watched_is_told_of_with_its_settings() {
    let bench = Bench::new();
    let settings = [("STALLSCOPE_TRESHOLD", "5ms"), ("STALLSCOPE_LOG", "logs.jsonl")];
    let server = server(&bench, &settings);
    let ran = doctor(&bench, &server).exits(0).says("✓ instrument");
    let ran = ran.says("tier ").says("✓ version").says("✓ symbols").says("no thread of tokio's beside them");
    let ran = ran.says("! STALLSCOPE_TRESHOLD").says("→ did you mean STALLSCOPE_THRESHOLD?");
    ran.says("✓ STALLSCOPE_LOG").says("which can be written");
}

#[test]
fn one_that_is_switched_off_says_so() {
    let bench = Bench::new();
    let server = server(&bench, &[("STALLSCOPE", "off")]);
    let ran = doctor(&bench, &server).exits(1).says("✗ instrument").says("has Stallscope built in");
    ran.says("runs with STALLSCOPE=off").says("→ start it without").says("of tokio's run in it");
}

#[test]
fn one_that_listens_elsewhere_says_where() {
    let bench = Bench::new();
    let socket = bench.path("elsewhere.sock");
    let server = server(&bench, &[("STALLSCOPE_SOCKET", &socket.to_string_lossy())]);
    let ran = doctor(&bench, &server).exits(1).says("listens elsewhere: STALLSCOPE_SOCKET=");
    ran.says(&format!("→ stallscope doctor {}", socket.display()));
    let by_socket = Ran(bench.stallscope("doctor", &[&socket.to_string_lossy()]).output().expect("it runs"));
    by_socket.exits(0).says("✓ instrument");
}

#[test]
fn a_program_without_tokio_is_called_that() {
    let bench = Bench::new();
    let sleep = Command::new("sleep").arg("60").spawn().expect("it starts");
    let ran = doctor(&bench, &Running(sleep)).exits(1).says("✗ instrument").says("sleep) holds no tokio");
    ran.says("one thing keeps Stallscope from working (✗)");
}
