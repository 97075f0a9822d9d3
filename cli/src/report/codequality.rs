//! Findings as GitLab shows them in a merge request: its code quality report.

use super::fingerprint::fingerprints;
use super::format::Material;
use super::repository::{Location, Repository};
use crate::failure::clean;
use serde::Serialize;
use stallscope::analysis::{Finding, Severity, Verdict};
use std::io::{self, Write};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: At,
}

#[derive(Serialize)]
struct At {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// Writes what lies in the repository: GitLab takes no issue without a file. What is excused is for information.
pub(super) fn write(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    let (findings, repository) = (&of.report.findings, Repository::of(of.runs));
    let fingerprints = fingerprints(findings, &repository);
    let issues: Vec<_> = findings
        .iter()
        .zip(fingerprints)
        .filter_map(|(finding, fingerprint)| {
            let place = repository.place(finding)?;
            let Location::Inside(path) = place.file else { return None };
            let lines = Lines { begin: place.line.unwrap_or(1) };
            Some(Issue {
                description: description(finding),
                check_name: finding.rule.to_string(),
                fingerprint,
                severity: severity(finding, of.report.verdict),
                location: At { path, lines },
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    writeln!(out)
}

fn description(finding: &Finding) -> String {
    let allowed =
        finding.allowed_by.as_ref().map(|reason| format!("allowed, {reason}: ")).unwrap_or_default();
    clean(format_args!("{allowed}{finding}: {}", finding.help))
}

/// Nothing is major in a run that passes.
fn severity(finding: &Finding, verdict: Verdict) -> &'static str {
    match finding.severity {
        _ if finding.allowed_by.is_some() => "info",
        Severity::Error if verdict != Verdict::Pass => "major",
        Severity::Error | Severity::Warning => "minor",
        _ => "info",
    }
}
