//! A report, as another run has written it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stallscope::analysis::Report;

fuzz_target!(|data: &[u8]| {
    let Ok(report) = serde_json::from_slice::<Report>(data) else { return };
    let document = serde_json::to_vec(&report).expect("a report is JSON");
    let again: Report = serde_json::from_slice(&document).expect("what is written is read");
    assert_eq!(again, report);
    report.findings.iter().for_each(|finding| assert!(!finding.to_string().is_empty()));
    let _ = report.is_whole();
});
