//! Findings as GitLab shows them in a merge request: its code quality report.

use super::fingerprint::fingerprints;
use super::format::Material;
use super::repository::{Location, Repository};
use crate::failure::clean;
use serde::Serialize;
use stallscope::analysis::{Finding, Severity};
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

/// Writes what is not excused and lies in the repository. GitLab takes no issue without a file.
pub(super) fn write(out: &mut impl Write, of: Material<'_>) -> io::Result<()> {
    let (findings, repository) = (&of.report.findings, Repository::of(of.runs));
    let fingerprints = fingerprints(findings, &repository);
    let issues = findings.iter().zip(fingerprints).filter(|(finding, _)| finding.allowed_by.is_none());
    let issues: Vec<_> = issues
        .filter_map(|(finding, fingerprint)| {
            let place = repository.place(finding)?;
            let Location::Inside(path) = place.file else { return None };
            let lines = Lines { begin: place.line.unwrap_or(1) };
            Some(Issue {
                description: clean(format_args!("{finding}: {}", finding.help)),
                check_name: finding.rule.to_string(),
                fingerprint,
                severity: severity(finding),
                location: At { path, lines },
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    writeln!(out)
}

fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Error => "major",
        Severity::Warning => "minor",
        _ => "info",
    }
}
