use std::collections::BTreeMap;

/// How many are kept.
const LIMIT: usize = 1024;

/// The last line about each of several things, oldest thing first. Of very many, the newest are kept and the others counted.
#[derive(Debug, Clone)]
pub(in super::super) struct Kept<T> {
    /// By number of arrival; the key tells things apart.
    lines: BTreeMap<u64, (u64, T)>,
    numbers: BTreeMap<u64, u64>,
    arrived: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { lines: BTreeMap::new(), numbers: BTreeMap::new(), arrived: 0 }
    }
}

impl<T> Kept<T> {
    /// Takes in a line about the thing that `key` names; it replaces an earlier one.
    pub(super) fn apply(&mut self, key: u64, line: T) {
        if let Some((_, known)) = self.numbers.get(&key).and_then(|number| self.lines.get_mut(number)) {
            *known = line;
            return;
        }
        self.arrived += 1;
        self.lines.insert(self.arrived, (key, line));
        self.numbers.insert(key, self.arrived);
        if self.lines.len() > LIMIT
            && let Some((_, (key, _))) = self.lines.pop_first()
        {
            self.numbers.remove(&key);
        }
    }

    pub(in super::super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.lines.values().map(|(_, line)| line)
    }

    /// Those that are kept no more.
    pub(in super::super) fn forgotten(&self) -> u64 {
        self.arrived - self.lines.len() as u64
    }
}
