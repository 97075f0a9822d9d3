//! The `STALLSCOPE*` variables of a process.

use super::super::checklist::Mark;
use super::item::Item;
use rustix::fs::{Access, access, statvfs};
use stallscope::analysis::thresholds::nearest;
use stallscope_wire::duration::{self, show};
use std::path::{Path, PathBuf};

/// What the instrument reads, and the least that a duration may be, in nanoseconds.
const DURATIONS: [(&str, u64); 9] = [
    ("STALLSCOPE_THRESHOLD", 1_000_000),
    ("STALLSCOPE_LAG_LIMIT", 1_000_000),
    ("STALLSCOPE_PROBE_INTERVAL", 1_000_000),
    ("STALLSCOPE_GRACE", 0),
    ("STALLSCOPE_NEVER_POLLED", 1_000_000),
    ("STALLSCOPE_LOST_TASK", 1_000_000),
    ("STALLSCOPE_POOL_LIMIT", 1_000_000),
    ("STALLSCOPE_LEAK_WINDOW", 1_000_000_000),
    ("STALLSCOPE_CLOSE_WAIT", 1_000_000_000),
];
const FOLDERS: [&str; 2] = ["STALLSCOPE_LOG", "STALLSCOPE_FLIGHT"];
const OTHERS: [&str; 3] = ["STALLSCOPE", "STALLSCOPE_SOCKET", "STALLSCOPE_TEST"];
/// A log's budget, in bytes: less room than this cuts it short.
const LOG_BUDGET: u64 = 64 << 20;

/// Names and values of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Environment(Vec<(String, String)>);

impl Environment {
    /// As `/proc/PID/environ` has it.
    pub(super) fn parse(text: &[u8]) -> Self {
        let texts = text.split(|&byte| byte == 0).map(String::from_utf8_lossy);
        let pair = |text: std::borrow::Cow<'_, str>| {
            let (name, value) = text.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        Self(texts.filter_map(pair).collect())
    }

    /// This process's own.
    pub(super) fn own() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// A variable that is set, and to something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// What of it keeps every program from being watched, and what to do about it.
    pub(super) fn unwatched(&self) -> Option<String> {
        let decides = |name: &str| name == "STALLSCOPE" || DURATIONS.iter().any(|(known, _)| *known == name);
        let items = self.items(Path::new(".")).into_iter();
        let bad = items.filter(|item| item.mark == Mark::Bad).find(|item| decides(&item.name))?;
        Some(format!("{}; {}", bad.found, bad.cure.unwrap_or_default()))
    }

    /// What is set, whether the instrument takes it, and whether it can write where it is to. Relative paths are of this folder.
    pub(super) fn items(&self, folder: &Path) -> Vec<Item> {
        let ours = self.0.iter().filter(|(name, value)| name.starts_with("STALLSCOPE") && !value.is_empty());
        ours.flat_map(|(name, value)| item(name, value, folder)).collect()
    }
}

fn known() -> impl Iterator<Item = &'static str> {
    OTHERS.into_iter().chain(FOLDERS).chain(DURATIONS.map(|(name, _)| name))
}

fn item(name: &str, value: &str, folder: &Path) -> Vec<Item> {
    let set = format!("{name}={value}");
    if let Some((_, least_ns)) = DURATIONS.iter().find(|(known, _)| *known == name) {
        return vec![duration_item(name, value, *least_ns)];
    }
    if FOLDERS.contains(&name) {
        return vec![place_item(name, value, folder)];
    }
    if name == "STALLSCOPE" {
        return vec![match value {
            "off" | "0" => Item::bad(
                name,
                format!("{set}: the instrument is switched off"),
                "set it to full or lean, or unset it",
            ),
            "lean" => Item::note(name, format!("{set}: one poll in 64 is timed")),
            "full" | "on" | "1" => Item::good(name, set),
            _ => Item::bad(
                name,
                format!("{set} is none of full, lean and off: the program runs unwatched"),
                "set it to one of these",
            ),
        }];
    }
    if known().any(|known| known == name) {
        return vec![Item::good(name, set)];
    }
    let cure = match nearest(name, known()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known are {}", known().collect::<Vec<_>>().join(", ")),
    };
    vec![Item::gap(name, format!("{set}: nobody reads a variable of this name"), cure)]
}

fn duration_item(name: &str, value: &str, least_ns: u64) -> Item {
    let set = format!("{name}={value}");
    match duration::parse(value) {
        Err(error) => {
            Item::bad(name, format!("{set}: the program runs unwatched"), format!("mend its value: {error}"))
        }
        Ok(time) if time.as_nanos() < u128::from(least_ns) => Item::bad(
            name,
            format!("{set} is too little: the program runs unwatched"),
            format!("give at least {}", show(least_ns)),
        ),
        Ok(_) => Item::good(name, set),
    }
}

/// Whether a log, or its folder, can be written.
fn place_item(name: &str, value: &str, folder: &Path) -> Item {
    let (set, path) = (format!("{name}={value}"), folder.join(value));
    let parent = path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    // A path that is not there is a file that is made, or a folder: both are made in the one above.
    let target = if path.exists() { path } else { parent };
    let mut rights = Access::WRITE_OK;
    if target.is_dir() {
        rights |= Access::EXEC_OK;
    }
    if let Err(error) = access(&target, rights) {
        return Item::gap(
            name,
            format!("{set}: {} cannot be written by this user: {error}", target.display()),
            "name a folder that the process's user can write",
        );
    }
    match statvfs(&target) {
        Ok(room) if room.f_bavail.saturating_mul(room.f_frsize) < LOG_BUDGET => Item::gap(
            name,
            format!("{set}: less than {} MiB are free there", LOG_BUDGET >> 20),
            "make room: a log takes so much, and is cut where there is less",
        ),
        _ => Item::good(name, format!("{set}, which can be written")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str) -> Vec<(Mark, Option<String>)> {
        let items = Environment::parse(text.replace(' ', "\0").as_bytes()).items(Path::new("/"));
        items.into_iter().map(|item| (item.mark, item.cure)).collect()
    }

    #[test]
    fn a_misspelt_name_is_told_with_the_nearest() {
        let [(Mark::Warning, Some(cure))] = &marks("PATH=/bin STALLSCOPE_TRESHOLD=5ms")[..] else { panic!() };
        assert_eq!(cure, "did you mean STALLSCOPE_THRESHOLD?");
    }

    #[test]
    fn a_value_that_the_instrument_refuses_keeps_it_from_running() {
        for wrong in ["STALLSCOPE_GRACE=5", "STALLSCOPE_THRESHOLD=1us", "STALLSCOPE=loud", "STALLSCOPE=off"] {
            assert!(matches!(marks(wrong)[..], [(Mark::Bad, Some(_))]), "{wrong}");
        }
        for right in ["STALLSCOPE_GRACE=0ms", "STALLSCOPE=full", "STALLSCOPE_THRESHOLD=", "RUST_LOG=x"] {
            assert!(marks(right).iter().all(|(mark, _)| *mark == Mark::Good), "{right}");
        }
    }

    #[test]
    fn where_a_log_goes_must_be_there() {
        assert!(matches!(marks("STALLSCOPE_LOG=no/such/folder/log")[..], [(Mark::Warning, Some(_))]));
    }
}
