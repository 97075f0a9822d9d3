use super::load::Settings;
use crate::model::{KEYS, Key};
use clap::ValueEnum;
use std::fmt;
use toml::Value;

/// All settings as they hold now: a file that says the same.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) if self.found => writeln!(f, "# From {}", path.display())?,
            Some(path) => writeln!(f, "# What holds without {}", path.display())?,
            None => writeln!(f, "# What holds without a file: neither XDG_CONFIG_HOME nor HOME is set")?,
        }
        let theme =
            self.palette.to_possible_value().map_or_else(String::new, |name| name.get_name().to_owned());
        writeln!(f, "\n[dashboard]\n# dark, light or contrast.\ntheme = {}", Value::String(theme))?;
        writeln!(
            f,
            "# Draw with ASCII alone; without this line as the locale says.\nascii = {}",
            self.ascii
        )?;
        writeln!(
            f,
            "# Take clicks and the wheel; text is then selected with Shift held.\nmouse = {}",
            self.mouse
        )?;
        writeln!(
            f,
            "\n# Letters and signs stand for themselves; Ctrl-C always quits. Other keys are named:"
        )?;
        let names: Vec<_> = Key::names().collect();
        for names in names.chunks(10) {
            writeln!(f, "# {}", names.join(", "))?;
        }
        writeln!(f, "[dashboard.keys]")?;
        for binding in KEYS {
            let keys = self.keys.keys(binding);
            let keys: Vec<_> = keys.into_iter().map(|key| Value::String(key.name()).to_string()).collect();
            writeln!(f, "# {}\n{} = [{}]", binding.does, binding.action.name(), keys.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use super::*;
    use crate::model::{Action, Keymap};
    use crate::view::Palette;

    #[test]
    fn what_is_printed_says_the_same_when_it_is_read() {
        let mut keys = Keymap::default();
        keys.change(Action::Pause, vec![Key::Char('"'), Key::Char('\\'), Key::ShiftLeft]);
        let settings = Settings {
            palette: Palette::Contrast,
            ascii: true,
            mouse: false,
            keys: keys.clone(),
            path: Some("/c/config.toml".into()),
            found: false,
        };
        let read = File::parse(&settings.to_string()).expect("it is right");
        assert_eq!((read.theme, read.ascii, read.mouse), (Some(Palette::Contrast), Some(true), Some(false)));
        for binding in KEYS {
            let told = read.keys.iter().find(|(action, _)| *action == binding.action);
            assert_eq!(told.map(|(_, keys)| keys.clone()), Some(keys.keys(binding)), "{:?}", binding.action);
        }
    }
}
