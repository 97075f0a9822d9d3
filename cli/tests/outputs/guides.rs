//! The guides and the action of `examples/ci`: what they tell to run runs.

use crate::bench::{Bench, Ran, blocked, healthy};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn guide(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/ci").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The shell text between the fences of a guide.
fn snippets(guide: &str) -> Vec<String> {
    let after = guide.split("```sh\n").skip(1);
    after.map(|text| text.split("```").next().expect("it is closed").to_owned()).collect()
}

/// A folder with `stallscope`, and with stand-ins that leave a made-up log: for cargo, and for a server.
struct Machine(Bench);

impl Machine {
    fn new() -> Self {
        let bench = Bench::new().log("bad", &blocked()).log("good", &healthy());
        fs::create_dir_all(bench.path("bin")).expect("a folder");
        fs::create_dir_all(bench.path("logs")).expect("a folder");
        fs::create_dir_all(bench.path("temp")).expect("a folder");
        fs::copy(bench.path("good"), bench.path("logs/1.jsonl")).expect("a log");
        let stallscope = env!("CARGO_BIN_EXE_stallscope");
        symlink(stallscope, bench.path("bin/stallscope")).expect("a link");
        let machine = Self(bench);
        let record =
            "printf '%s\\n' \"$@\" >> ran\nlog=${LEAVES:-good}\ncp \"$log\" \"$STALLSCOPE_LOG/7-1.jsonl\"\n";
        machine.program("bin/cargo", record);
        machine.program("server", record);
        machine
    }

    fn program(&self, name: &str, script: &str) {
        fs::write(self.0.path(name), format!("#!/bin/sh\n{script}")).expect("a file");
        fs::set_permissions(self.0.path(name), Permissions::from_mode(0o755)).expect("it is ours");
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path("")).stdin(Stdio::null()).env_clear();
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.0.path("bin").display()));
        command
    }

    fn shell(&self, text: &str, leaves: &str) -> Ran {
        let mut command = self.command("sh");
        Ran(command.args(["-ec", text]).env("LEAVES", leaves).output().expect("a shell runs"))
    }

    /// A script of the action, as its runner starts it.
    fn script(&self, name: &str, inputs: &[(&str, &str)]) -> Ran {
        let mut command = self.command("bash");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/ci").join(name);
        command.arg(script).envs(inputs.iter().copied()).env("GITHUB_ACTIONS", "true");
        for (variable, path) in [
            ("RUNNER_TEMP", "temp"),
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_STEP_SUMMARY", "summary"),
        ] {
            command.env(variable, self.0.path(path));
        }
        Ran(command.output().expect("bash runs"))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path(name)).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }
}

#[test]
fn every_command_in_a_guide_is_one() {
    let texts = ["README.md", "github.yml", "github-by-hand.yml", "gitlab.yml", "check.sh"].map(guide);
    let lines = texts.iter().flat_map(|text| text.lines());
    let commands: Vec<_> = lines.filter_map(|line| Some(line.split_once("stallscope check ")?.1)).collect();
    let mut tried = 0;
    for command in commands.iter().filter(|command| command.starts_with('-') && !command.contains('[')) {
        let own = command.split(" -- ").next().unwrap_or_default().split("||").next().unwrap_or_default();
        // It stops at the first argument that it does not know, and else shows its help.
        let script = format!("stallscope check {own} --help");
        let ran = Machine::new().shell(&script, "good");
        assert!(ran.exits(0).out().contains("Usage: stallscope check"), "{script}");
        tried += 1;
    }
    assert!(tried >= 6, "{commands:#?}");
}

#[test]
fn the_snippets_for_a_shell_run_and_pass_on_the_verdict() {
    let snippets = snippets(&guide("README.md"));
    assert_eq!(snippets.len(), 4);
    for snippet in &snippets {
        let machine = Machine::new();
        machine.shell(snippet, "good").exits(0).says("verdict: pass");
        if !snippet.contains("--log") {
            machine.shell(snippet, "bad").exits(99).says("verdict: breach");
        }
    }
}

#[test]
fn the_action_s_script_runs_the_words_that_it_is_given_and_nothing_else() {
    let machine = Machine::new();
    let inputs = [
        ("INPUT_COMMAND", "cargo test 'two words' \"$(touch hacked)\" `touch hacked` ; touch hacked"),
        ("INPUT_FAIL_ON", "stall.max < 100ms\n\n  stall.count == 0\n"),
        ("INPUT_ARGUMENTS", "--timeout\n60s\n"),
        ("LEAVES", "bad"),
    ];
    let ran = machine.script("check.sh", &inputs).exits(99).says("✗ stall.count == 0");
    assert!(!machine.path("hacked").exists());
    assert_eq!(
        machine.read("ran").lines().collect::<Vec<_>>(),
        ["test", "two words", "$(touch hacked)", "`touch", "hacked`", ";", "touch", "hacked"]
    );
    assert!(ran.err().contains("::error file=src/report.rs,line=42,"), "{}", ran.err());
    assert!(machine.read("summary").starts_with("### ❌ Stallscope: breach"));
    let output = machine.read("output");
    let told =
        |name: &str| output.lines().find_map(|line| line.strip_prefix(name)).expect("it is told").to_owned();
    assert_eq!(told("exit-code="), "99");
    for (name, begins) in [("report=", "{\n  \"stallscope\": 1"), ("sarif=", "{\n  \"$schema\"")] {
        assert!(fs::read_to_string(told(name)).expect("a file").starts_with(begins), "{name}");
    }
}

#[test]
fn blanks_and_backslashes_are_passed_as_they_stand() {
    let machine = Machine::new();
    let command = "  cargo\ttest a\\b '' -E 'name(/a\\.b/)  \n and \"c\"' it\"'\"s -n\n\n--last ";
    machine.script("check.sh", &[("INPUT_COMMAND", command)]).exits(0);
    let words = ["test", "a\\b", "", "-E", "name(/a\\.b/)  ", " and \"c\"", "it's", "-n", "--last"];
    assert_eq!(machine.read("ran").lines().collect::<Vec<_>>(), words);

    fs::copy(machine.path("good"), machine.path("a \\b.jsonl")).expect("a log");
    let inputs = [
        ("INPUT_LOG", "  a \\b.jsonl \r\n\t\n"),
        ("INPUT_ARGUMENTS", "-o \n a \\c.md\t\n"),
        ("INPUT_FAIL_ON", " stall.max <  100ms\t\r\n"),
        ("INPUT_COMMAND", " \n"),
    ];
    machine.script("check.sh", &inputs).exits(0).says("seen: 1 process");
    assert!(machine.path("a \\c.md").exists());
    machine.script("check.sh", &[("INPUT_COMMAND", " \n ")]).exits(2).says("required");
}

#[test]
fn the_action_s_script_judges_logs_and_passes_on_what_is_wrong() {
    let machine = Machine::new();
    machine.script("check.sh", &[("INPUT_LOG", "good\nlogs\n")]).exits(0).says("seen: 2 processes");
    let ran = machine.script("check.sh", &[("INPUT_LOG", "good"), ("INPUT_FAIL_ON", "stal.max < 1s")]);
    ran.exits(2).says("did you mean \"stall\"?");
    assert!(machine.read("output").ends_with("exit-code=2\n"), "no report is named that is not there");
    machine
        .script("check.sh", &[("INPUT_COMMAND", "cargo 'test")])
        .exits(2)
        .says("a quote (') is not closed");
    assert!(!machine.path("ran").exists());
}

#[test]
fn the_action_s_installation_is_known_by_what_it_is_built_from() {
    let machine = Machine::new();
    machine.program("bin/cargo", "echo \"cargo $* ${RUSTFLAGS:-no flags}\"\n");
    let sources = machine.path("sources");
    fs::create_dir_all(sources.join("cli/src")).expect("a folder");
    let key = |source: &str| {
        fs::write(sources.join("cli/src/main.rs"), source).expect("a file");
        fs::write(machine.path("output"), "").expect("a file");
        let inputs = [("INPUT_PATH", sources.to_str().expect("a name")), ("RUNNER_OS", "Linux")];
        let mut command = machine.command("bash");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/ci/install.sh");
        command.arg(script).arg("key").envs(inputs).env("RUNNER_TEMP", machine.path("temp"));
        command.env("GITHUB_OUTPUT", machine.path("output")).env("GITHUB_PATH", machine.path("path"));
        Ran(command.output().expect("bash runs")).exits(0);
        machine.read("output")
    };
    let first = key("fn main() {}");
    assert!(first.contains("key=stallscope-Linux-") && first.contains("/temp/stallscope\n"), "{first}");
    assert_eq!(first, key("fn main() {}"));
    assert_ne!(first, key("fn main() { }"));
    assert!(machine.read("path").lines().all(|line| line.ends_with("/temp/stallscope/bin")));

    let inputs = [("INPUT_PATH", sources.to_str().expect("a name")), ("RUSTFLAGS", "-D warnings")];
    let said = machine.script("install.sh", &inputs).exits(0).out();
    let root = machine.path("temp/stallscope");
    let expected = format!(
        "cargo install --locked --root {} --path {}/cli no flags\n",
        root.display(),
        sources.display()
    );
    assert_eq!(said, expected);
}

#[test]
fn no_expression_is_put_into_the_text_of_a_shell() {
    let action = guide("action.yml");
    let commands: Vec<_> = action.lines().filter(|line| line.trim_start().starts_with("run:")).collect();
    assert_eq!(commands.len(), 3);
    assert!(commands.iter().all(|line| !line.contains("${{") && !line.ends_with('|')), "{commands:#?}");
    for input in ["command", "log", "config", "fail-on", "arguments"] {
        let variable = format!("INPUT_{}: ${{{{ inputs.{input} }}}}", input.to_uppercase().replace('-', "_"));
        assert!(action.contains(&variable), "{variable}");
    }
}
