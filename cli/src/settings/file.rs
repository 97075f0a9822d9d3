use super::problem::Problem;
use crate::model::{Action, KEYS, Key};
use crate::view::Palette;
use clap::ValueEnum;
use stallscope::analysis::thresholds::nearest;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

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
        let table = DeTable::parse(text).map_err(|error| {
            Problem::new(text, error.span().unwrap_or(0..0), format!("this is no TOML: {}", error.message()))
        })?;
        let mut file = Self::default();
        let reader = Reader { text };
        for (name, value) in table.get_ref() {
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
            for key in reader.list(value)? {
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

/// Takes values out of a file, and says where one is wrong.
struct Reader<'a> {
    text: &'a str,
}

type Value<'i> = Spanned<DeValue<'i>>;

impl Reader<'_> {
    fn wrong(&self, at: Range<usize>, message: impl Into<String>) -> Problem {
        Problem::new(self.text, at, message)
    }

    fn unknown<'n>(
        &self,
        kind: &str,
        name: &str,
        at: Range<usize>,
        known: impl Iterator<Item = &'n str>,
    ) -> Problem {
        let known: Vec<_> = known.collect();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known are {}", known.join(", ")),
        };
        self.wrong(at, format!("unknown {kind} \"{name}\"; {hint}"))
    }

    fn table<'t, 'i>(&self, value: &'t Value<'i>, name: &str) -> Result<&'t DeTable<'i>, Problem> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.wrong(value.span(), format!("this is to be a table: [{name}]")))
    }

    fn boolean(&self, value: &Value<'_>) -> Result<bool, Problem> {
        value.get_ref().as_bool().ok_or_else(|| self.wrong(value.span(), "this is to be true or false"))
    }

    fn string<'t>(&self, value: &'t Value<'_>) -> Result<&'t str, Problem> {
        value.get_ref().as_str().ok_or_else(|| self.wrong(value.span(), "this is to be a text in quotes"))
    }

    /// The values of a list, or one that stands for itself.
    fn list<'t, 'i>(&self, value: &'t Value<'i>) -> Result<Vec<&'t Value<'i>>, Problem> {
        match value.get_ref() {
            DeValue::Array(values) => Ok(values.iter().collect()),
            DeValue::String(_) => Ok(vec![value]),
            _ => Err(self.wrong(value.span(), "this is to be a key, or a list of keys: [\"space\", \"x\"]")),
        }
    }

    fn palette(&self, value: &Value<'_>) -> Result<Palette, Problem> {
        let name = self.string(value)?;
        let names: Vec<_> = Palette::value_variants().iter().filter_map(Palette::to_possible_value).collect();
        Palette::from_str(name, false).map_err(|_| {
            self.unknown(
                "theme",
                name,
                value.span(),
                names.iter().map(clap::builder::PossibleValue::get_name),
            )
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
