//! An event log, through to its report. What does not begin as a log does is read as the lines of one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stallscope::analysis::{History, Report, Terms, judge};
use stallscope_wire::{Header, Line, Reader};

fuzz_target!(|data: &[u8]| {
    let header = if data.starts_with(b"{\"stallscope\"") { Vec::new() } else { Line::Header(Header::default()).encode() };
    let text = [&header, data].concat();
    let Ok(mut reader) = Reader::new(&text[..]) else { return };
    let mut history = History::new(reader.header().clone());
    let read = loop {
        match reader.next_line() {
            Ok(Some(line)) => history.apply(line),
            Ok(None) => break true,
            Err(error) => break error.to_string().is_empty(),
        }
    };
    history.set_cut(reader.cut());
    assert!(reader.position() <= text.len() as u64);
    let histories = [&history];
    let judgement = judge(&Terms::default().allow_incomplete(!read), &histories);
    let report = Report::new(Vec::new(), judgement, &histories);
    let document = serde_json::to_vec(&report).expect("a report is JSON");
    let again: Report = serde_json::from_slice(&document).expect("a report is read");
    assert_eq!(again, report);
    report.findings.iter().for_each(|finding| assert!(!finding.to_string().is_empty()));
});
