use super::file::File;
use super::flags::Flags;
use crate::color::is_utf8;
use crate::failure::Failure;
use crate::model::Keymap;
use crate::view::{Palette, Theme};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;

/// How the dashboard looks and what its keys do.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(super) palette: Palette,
    pub(super) ascii: bool,
    pub(crate) mouse: bool,
    pub(crate) keys: Keymap,
    /// Where they are looked for, and whether there is such a file.
    pub(super) path: Option<PathBuf>,
    pub(super) found: bool,
}

impl Settings {
    /// The file's, and above them the flags.
    ///
    /// # Errors
    /// When there is a file that cannot be read, or that says what is not known here.
    pub(crate) fn load(flags: Flags) -> Result<Self, Failure> {
        let path = path(env::var_os("XDG_CONFIG_HOME"), env::var_os("HOME"));
        let text = match path.as_ref().map(fs::read_to_string) {
            None => None,
            Some(Err(error))
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                None
            }
            Some(read) => Some(read.map_err(|error| {
                let path = path.as_deref().unwrap_or_else(|| "settings".as_ref()).display();
                Failure::usage(format_args!("cannot read the settings in {path}: {error}"))
            })?),
        };
        let found = text.is_some();
        let file = File::parse(&text.unwrap_or_default()).map_err(|problem| {
            Failure::usage(problem.in_file(path.as_deref().unwrap_or_else(|| "settings".as_ref())))
        })?;
        let mut keys = Keymap::default();
        file.keys.into_iter().for_each(|(action, pressed)| keys.change(action, pressed));
        Ok(Self {
            palette: flags.theme.or(file.theme).unwrap_or_default(),
            ascii: flags.ascii.or(file.ascii).unwrap_or_else(|| !is_utf8()),
            mouse: flags.mouse.or(file.mouse).unwrap_or(true),
            keys,
            path,
            found,
        })
    }

    /// How things look.
    pub(crate) fn theme(&self, color: bool) -> Theme {
        Theme::new(self.palette, color, self.ascii)
    }
}

/// As the XDG base directory specification says: a path that is not absolute counts as none.
fn path(config_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let folder = config_home.map(PathBuf::from).filter(|folder| folder.is_absolute());
    let below_home =
        || home.map(PathBuf::from).filter(|home| home.is_absolute()).map(|home| home.join(".config"));
    folder.or_else(below_home).map(|folder| folder.join("stallscope").join("config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_where_such_files_are() {
        let at = |config: Option<&str>, home: Option<&str>| {
            path(config.map(Into::into), home.map(Into::into)).map(|path| path.display().to_string())
        };
        assert_eq!(at(Some("/c"), Some("/h")).as_deref(), Some("/c/stallscope/config.toml"));
        assert_eq!(at(None, Some("/h")).as_deref(), Some("/h/.config/stallscope/config.toml"));
        assert_eq!(at(Some("c"), Some("/h")).as_deref(), Some("/h/.config/stallscope/config.toml"));
        assert_eq!(at(Some(""), None), None);
    }
}
