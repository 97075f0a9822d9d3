//! Which files are written, and what happens when one cannot be.

use crate::bench::{Bench, Ran, blocked, healthy};
use std::fs::{self, File};

#[test]
fn an_ending_that_nobody_knows_is_refused_before_anything_runs() {
    let bench = Bench::new();
    let ran = bench.check(&["-o", "r.docx", "--", "touch", "ran"]).exits(2);
    let ran = ran.says("-o r.docx: the file's ending says no format; known are .txt,").says(".sarif,");
    assert!(!ran.says("--format").out().contains("verdict"));
    assert!(!bench.path("ran").exists() && !bench.path("r.docx").exists());
}

#[test]
fn a_format_that_is_named_goes_into_any_file() {
    let bench = Bench::new().log("log", &blocked());
    bench.check(&["--format", "json", "-o", "r.docx", "--log", "log"]).exits(99);
    assert!(fs::read_to_string(bench.path("r.docx")).expect("a file").starts_with('{'));
}

#[test]
fn each_ending_has_its_form() {
    let bench = Bench::new().log("log", &blocked());
    let files =
        ["junit.xml", "r.sarif", "r.sarif.json", "gl-code-quality-report.json", "r.json", "r.md", "plain"];
    let outputs: Vec<_> = files.iter().flat_map(|&file| ["-o", file]).collect();
    bench.check(&[&outputs[..], &["--log", "log"]].concat()).exits(99);
    for (file, begins) in [
        ("junit.xml", "<?xml"),
        ("r.sarif", "{\n  \"$schema\": \"https://docs.oasis-open.org"),
        ("r.sarif.json", "{\n  \"$schema\": \"https://docs.oasis-open.org"),
        ("gl-code-quality-report.json", "[\n  {\n    \"description\""),
        ("r.json", "{\n  \"stallscope\": 1"),
        ("r.md", "### "),
        ("plain", "✗ stall.max"),
    ] {
        let text = fs::read_to_string(bench.path(file)).expect("a file");
        assert!(text.starts_with(begins), "{file}: {text}");
    }
}

#[test]
fn one_that_cannot_be_written_hides_neither_the_others_nor_the_verdict() {
    let bench = Bench::new().log("bad", &blocked()).log("good", &healthy());
    for (log, code) in [("good", 1), ("bad", 99)] {
        let outputs =
            ["--format", "json", "-o", "/dev/full", "-o", "after.md", "--format", "sarif", "-o", "/dev/full"];
        let ran = bench.check(&[&outputs[..], &["--log", log]].concat()).exits(code).says("verdict: ");
        let said = "cannot write the report to /dev/full: No space left on device";
        assert_eq!(ran.err().matches(said).count(), 2, "{}", ran.err());
        fs::remove_file(bench.path("after.md")).expect("the next one was written");
    }
    bench.program("good", "exit 7", &["--format", "json", "-o", "/dev/full"]).exits(7).says("cannot write");
}

#[test]
fn a_full_stdout_hides_neither_the_files_nor_the_verdict() {
    let bench = Bench::new().log("bad", &blocked()).log("good", &healthy());
    for (log, code) in [("good", 1), ("bad", 99)] {
        let full = File::options().write(true).open("/dev/full").expect("it is there");
        let mut command = bench.command(&["-o", "r.json", "--log", log]);
        let ran = Ran(command.stdout(full).output().expect("the binary runs")).exits(code);
        ran.says("cannot write to stdout: No space left on device");
        fs::remove_file(bench.path("r.json")).expect("it was written");
    }
}
