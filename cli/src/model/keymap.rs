use super::key::{Action, Binding, KEYS, Key};

/// What each key does: as it comes, but for what the user's settings change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keymap {
    changed: Vec<(Action, Vec<Key>)>,
}

impl Keymap {
    /// From here on these keys do that, and none else does.
    pub(crate) fn change(&mut self, action: Action, keys: Vec<Key>) {
        self.changed.retain(|(other, _)| *other != action);
        self.changed.push((action, keys));
    }

    /// What a key does, if anything. Ctrl-C ends the dashboard whatever is changed.
    pub(crate) fn action(&self, key: Key) -> Option<Action> {
        if key == Key::CtrlC {
            return Some(Action::Quit);
        }
        let changed = self.changed.iter().find(|(_, keys)| keys.contains(&key)).map(|(action, _)| *action);
        let usual = || KEYS.iter().find(|binding| binding.keys.contains(&key)).map(|binding| binding.action);
        changed.or_else(|| usual().filter(|action| self.changed_keys(*action).is_none()))
    }

    /// The keys that do it, as they come or as they were changed to.
    pub(crate) fn keys(&self, binding: &Binding) -> Vec<Key> {
        let keys = self.changed_keys(binding.action).unwrap_or(binding.keys);
        keys.iter().copied().filter(|key| self.action(*key) == Some(binding.action)).collect()
    }

    fn changed_keys(&self, action: Action) -> Option<&[Key]> {
        self.changed.iter().find(|(other, _)| *other == action).map(|(_, keys)| &**keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_takes_a_key_from_what_it_did() {
        let mut keymap = Keymap::default();
        assert_eq!(keymap.action(Key::Char('x')), Some(Action::Export));
        keymap.change(Action::Pause, vec![Key::Char('x')]);
        assert_eq!(keymap.action(Key::Char('x')), Some(Action::Pause));
        assert_eq!(keymap.action(Key::Char(' ')), None, "it has another key now");
        let export = KEYS.iter().find(|binding| binding.action == Action::Export).expect("it has a key");
        assert_eq!(keymap.keys(export), []);
    }

    #[test]
    fn ctrl_c_always_ends_it() {
        let mut keymap = Keymap::default();
        keymap.change(Action::Quit, Vec::new());
        assert_eq!(keymap.action(Key::Char('q')), None);
        assert_eq!(keymap.action(Key::CtrlC), Some(Action::Quit));
    }
}
