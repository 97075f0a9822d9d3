use super::{Config, Said, USUAL};
use crate::failure::clean;
use stallscope::analysis::Excuse;
use std::fmt;

/// What holds and who says so: a file that says the same.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, &self.profile) {
            (Some(path), None) => write!(f, "# What holds by {}", clean(path.display()))?,
            (Some(path), Some(profile)) => {
                write!(f, "# What holds by {}, profile {}", clean(path.display()), clean(profile))?;
            }
            (None, None) => write!(f, "# What holds without a {USUAL}")?,
            (None, Some(profile)) => write!(f, "# What holds by the profile {}", clean(profile))?,
        }
        writeln!(f, "{}", if self.by_flags { ", and by --fail-on alone of thresholds" } else { "" })?;
        if self.profile.is_some() && self.path.is_some() {
            writeln!(
                f,
                "# What a profile says takes the place of what [check] says of the same; the rest of [check] stays."
            )?;
        }
        writeln!(f, "\n[check]")?;
        if let Some((name, thresholds)) = &self.base {
            writeln!(f, "# Built in, and of these what the process can show:")?;
            thresholds.iter().try_for_each(|threshold| writeln!(f, "#     {threshold}"))?;
            writeln!(f, "extends = {}", text(name))?;
        }
        fmt_lines(f, &self.lines)?;
        writeln!(
            f,
            "# Accept a process whose end was not seen.\nallow_incomplete = {}",
            self.allow_incomplete
        )?;
        for (labels, lines) in &self.overrides {
            let (kind, name) = match (&labels.route, &labels.krate) {
                (Some(route), _) => ("route", route),
                (None, Some(krate)) => ("crate", krate),
                (None, None) => continue,
            };
            writeln!(f, "\n[check.{kind}.{}]", text(name))?;
            fmt_lines(f, lines)?;
        }
        self.excuses.iter().try_for_each(|excuse| fmt_excuse(f, excuse))
    }
}

fn fmt_excuse(f: &mut fmt::Formatter<'_>, excuse: &Excuse) -> fmt::Result {
    writeln!(f, "\n[[allow]]  # {}", clean(&excuse.at))?;
    writeln!(f, "frame = {}", text(&excuse.frame))?;
    if let Some(rule) = excuse.rule {
        writeln!(f, "rule = \"{rule}\"")?;
    }
    writeln!(f, "reason = {}", text(&excuse.reason))?;
    match &excuse.until {
        Some(until) if excuse.expired => writeln!(f, "until = {until}  # expired"),
        Some(until) => writeln!(f, "until = {until}"),
        None => Ok(()),
    }
}

fn fmt_lines(f: &mut fmt::Formatter<'_>, lines: &[Said]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    let written: Vec<_> = lines.iter().map(|said| format!("{},", text(&said.written))).collect();
    let width = written.iter().map(|written| written.chars().count()).max().unwrap_or(0);
    writeln!(f, "fail_on = [")?;
    for (written, said) in written.iter().zip(lines) {
        writeln!(f, "    {written:<width$}  # {}", clean(&said.by))?;
    }
    writeln!(f, "]")
}

/// A text on one line, as TOML writes it.
fn text(text: &str) -> String {
    if text.contains('"') && !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{text}'");
    }
    let mut written = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            c if c.is_control() => written += &format!("\\u{:04x}", u32::from(c)),
            c => written.push(c),
        }
    }
    written + "\""
}
