use crate::failure::{clean, say};
use crate::report::{Format, Material, Style, Target, summary};
use std::env;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

/// What a CI system is told besides the reports that are asked for.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Ci {
    /// Tell a CI system in its own way.
    ///
    /// On GitHub Actions: annotations at the lines to open, on stderr, and a summary of the step. On GitLab:
    /// stallscope-junit.xml and stallscope-codequality.json in $CI_PROJECT_DIR, to be named as the job's artifacts.
    #[arg(long, value_enum, default_value_t, value_name = "SYSTEM", help_heading = "Output")]
    ci: System,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum System {
    /// The one that this runs in, as its environment says.
    #[default]
    Auto,
    /// GitHub Actions, and what takes its workflow commands.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Nobody.
    None,
}

impl Ci {
    /// Tells it. Nobody has asked for these files by name: one that cannot be written is told, and changes no exit code.
    pub(in super::super) fn tell(&self, material: Material<'_>) {
        let told = match self.ci {
            System::Auto if is_set("GITHUB_ACTIONS") => github(material),
            System::Auto if is_set("GITLAB_CI") => gitlab(material),
            System::Github => github(material),
            System::Gitlab => gitlab(material),
            System::Auto | System::None => Ok(()),
        };
        if let Err(problem) = told {
            say(format_args!("stallscope: {}", clean(problem)));
        }
    }
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| value == "true")
}

/// GitHub reads workflow commands from both streams of a step; stdout is the command's.
fn github(material: Material<'_>) -> Result<(), String> {
    // As above.
    let _ = Format::Github.write(&mut BufWriter::new(io::stderr().lock()), material, &Style::default());
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let file = File::options().append(true).create(true).open(&path);
    file.and_then(|file| summary(&mut BufWriter::new(file), material))
        .map_err(|error| format!("cannot write the step's summary to {}: {error}", path.display()))
}

/// What GitLab is told, where.
const GITLAB: [(Format, &str); 2] =
    [(Format::Junit, "stallscope-junit.xml"), (Format::Codequality, "stallscope-codequality.json")];

fn gitlab(material: Material<'_>) -> Result<(), String> {
    let folder = PathBuf::from(env::var_os("CI_PROJECT_DIR").unwrap_or_default());
    let failed: Vec<_> = GITLAB
        .iter()
        .filter_map(|(format, name)| {
            let path = folder.join(name);
            let target = Target::new(&path);
            let written =
                target.and_then(|target| target.write(|out| format.write(out, material, &Style::default())));
            written.err().map(|error| format!("cannot write {}: {error}", path.display()))
        })
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}
