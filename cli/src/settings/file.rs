use super::problem::Problem;
use super::reader::{Reader, Value};
use crate::model::{Action, KEYS, Key};
use crate::view::Palette;
use clap::ValueEnum;
use toml::de::DeTable;

/// What a settings' file says; none of what it leaves to us.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) theme: Option<Palette>,
    pub(super) ascii: Option<bool>,
    pub(super) mouse: Option<bool>,
    pub(super) keys: Vec<(Action, Vec<Key>)>,
}

impl File {
    /// # Errors
    /// When it is no TOML, or says something that is not known here; the first such thing.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let reader = Reader::new(text);
        let table = reader.parse()?;
        let mut file = Self::default();
        for (name, value) in &table {
            match &**name.get_ref() {
                "dashboard" => file.read(&reader, reader.table(value, "dashboard")?)?,
                other => return Err(reader.unknown("table", other, name.span(), ["dashboard"].into_iter())),
            }
        }
        Ok(file)
    }

    fn read(&mut self, reader: &Reader<'_>, table: &DeTable<'_>) -> Result<(), Problem> {
        for (name, value) in table {
            match &**name.get_ref() {
                "theme" => self.theme = Some(reader.palette(value)?),
                "ascii" => self.ascii = Some(reader.boolean(value)?),
                "mouse" => self.mouse = Some(reader.boolean(value)?),
                "keys" => self.read_keys(reader, reader.table(value, "dashboard.keys")?)?,
                other => {
                    let known = ["theme", "ascii", "mouse", "keys"].into_iter();
                    return Err(reader.unknown("setting", other, name.span(), known));
                }
            }
        }
        Ok(())
    }

    fn read_keys(&mut self, reader: &Reader<'_>, table: &DeTable<'_>) -> Result<(), Problem> {
        let known = || KEYS.iter().map(|binding| binding.action);
        let mut places = Vec::new();
        for (name, value) in table {
            let action = known().find(|action| action.name() == &**name.get_ref());
            let Some(action) = action else {
                let names = known().map(Action::name);
                return Err(reader.unknown("action", name.get_ref(), name.span(), names));
            };
            let mut keys = Vec::new();
            for key in reader.keys(value)? {
                let pressed = reader.key(key)?;
                let taken = self.keys.iter().find(|(_, keys)| keys.contains(&pressed));
                if let Some((other, _)) = taken {
                    let told = format!("this key does \"{}\" already", other.name());
                    return Err(reader.wrong(key.span(), told));
                }
                if pressed == Key::CtrlC && action != Action::Quit {
                    return Err(reader.wrong(key.span(), "ctrl-c always quits"));
                }
                keys.push(pressed);
                places.push(key.span());
            }
            self.keys.push((action, keys));
        }
        let pressed = self.keys.iter().flat_map(|(_, keys)| keys).zip(places);
        for (pressed, at) in pressed {
            if let Some(robbed) = self.robbed_by(*pressed) {
                let name = robbed.name();
                let told = format!("\"{name}\" has no other key: give it one, or say {name} = []");
                return Err(reader.wrong(at, told));
            }
        }
        Ok(())
    }

    /// What a key usually does, where that is left without a key and nothing is said of it.
    fn robbed_by(&self, key: Key) -> Option<Action> {
        let usual = KEYS.iter().find(|binding| binding.keys.contains(&key))?;
        let told = self.keys.iter().any(|(action, _)| *action == usual.action);
        let taken = |key: &Key| self.keys.iter().any(|(_, keys)| keys.contains(key));
        (!told && usual.keys.iter().all(taken)).then_some(usual.action)
    }
}

impl Reader<'_> {
    /// Keys: a list of them, or one by itself.
    fn keys<'t, 'i>(&self, value: &'t Value<'i>) -> Result<Vec<&'t Value<'i>>, Problem> {
        if value.get_ref().is_str() {
            return Ok(vec![value]);
        }
        Ok(self.list(value, "this is to be a key, or a list of keys: [\"space\", \"x\"]")?.collect())
    }

    fn palette(&self, value: &Value<'_>) -> Result<Palette, Problem> {
        let name = self.string(value)?;
        let names: Vec<_> = Palette::value_variants().iter().filter_map(Palette::to_possible_value).collect();
        Palette::from_str(name, false).map_err(|_| {
            let names = names.iter().map(clap::builder::PossibleValue::get_name);
            self.unknown("theme", name, value.span(), names)
        })
    }

    fn key(&self, value: &Value<'_>) -> Result<Key, Problem> {
        let name = self.string(value)?;
        Key::named(name).ok_or_else(|| self.unknown("key", name, value.span(), Key::names()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> (usize, usize, String) {
        let problem = File::parse(text).expect_err("it is wrong");
        let told = problem.to_string();
        (problem.line, problem.column, told.lines().next().unwrap_or_default().to_owned())
    }

    #[test]
    fn what_it_says_is_taken() {
        let text = "[dashboard]\ntheme = \"light\"\nascii = true\nmouse = false\n\
            [dashboard.keys]\npause = [\"space\", \"Shift-Left\"]\nmuch-earlier = []\nexport = \"w\"\n";
        let file = File::parse(text).expect("it is right");
        let keys = vec![
            (Action::Export, vec![Key::Char('w')]),
            (Action::MuchEarlier, vec![]),
            (Action::Pause, vec![Key::Char(' '), Key::ShiftLeft]),
        ];
        let (theme, ascii, mouse) = (Some(Palette::Light), Some(true), Some(false));
        let mut sorted = file.keys.clone();
        sorted.sort_by_key(|(action, _)| action.name());
        assert_eq!(sorted, keys);
        assert_eq!((file.theme, file.ascii, file.mouse), (theme, ascii, mouse));
        assert_eq!(File::parse("").expect("nothing is right too"), File::default());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_what_was_meant() {
        assert_eq!(
            problem("[dashbord]\n"),
            (1, 2, "unknown table \"dashbord\"; did you mean \"dashboard\"?".to_owned())
        );
        assert_eq!(
            problem("[dashboard]\nthme = \"dark\"\n"),
            (2, 1, "unknown setting \"thme\"; did you mean \"theme\"?".to_owned())
        );
        assert_eq!(
            problem("[dashboard]\ntheme = \"pink\"\n"),
            (2, 9, "unknown theme \"pink\"; known are dark, light, contrast".to_owned())
        );
        assert_eq!(
            problem("[dashboard.keys]\npuase = [\"x\"]\n"),
            (2, 1, "unknown action \"puase\"; did you mean \"pause\"?".to_owned())
        );
        assert_eq!(
            problem("[dashboard.keys]\npause = [\"spcae\"]\n"),
            (2, 10, "unknown key \"spcae\"; did you mean \"space\"?".to_owned())
        );
        assert_eq!(
            problem("[dashboard]\nmouse = \"no\"\n"),
            (2, 9, "this is to be true or false".to_owned())
        );
    }

    #[test]
    fn no_key_can_do_two_things() {
        let (line, _, told) = problem("[dashboard.keys]\npause = [\"x\"]\nquit = [\"x\"]\n");
        assert!(line > 1 && told.contains("already"), "{line} {told}");
        assert_eq!(problem("[dashboard.keys]\npause = [\"ctrl-c\"]\n").2, "ctrl-c always quits");
    }

    #[test]
    fn no_action_loses_its_only_key_without_a_word() {
        let (line, column, told) = problem("[dashboard.keys]\npause = \"x\"\nquit = [\"q\", \"space\"]\n");
        assert_eq!((line, column), (2, 9), "{told}");
        assert_eq!(told, "\"export\" has no other key: give it one, or say export = []");
        assert!(File::parse("[dashboard.keys]\npause = \"k\"\n").is_ok(), "there is still the arrow");
        assert!(File::parse("[dashboard.keys]\npause = \"x\"\nexport = \"space\"\n").is_ok());
    }

    #[test]
    fn what_is_no_toml_is_said_with_its_place() {
        let (line, _, told) = problem("[dashboard]\ntheme = dark\n");
        assert!(line == 2 && told.starts_with("this is no TOML: "), "{line} {told}");
    }
}
