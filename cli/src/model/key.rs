use super::screen::Screen;

/// A key press, as far as the dashboard knows any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Char(char),
    CtrlC,
    Up,
    Down,
    Left,
    Right,
    ShiftLeft,
    ShiftRight,
    PageUp,
    PageDown,
    Home,
    End,
    Tab,
    BackTab,
    Enter,
    Esc,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Quit,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Screen(Screen),
    NextScreen,
    PreviousScreen,
    Open,
    Back,
    Pause,
    Mode,
    Sort,
    Reverse,
    Help,
    Earlier,
    Later,
    MuchEarlier,
    MuchLater,
    PreviousStall,
    NextStall,
    Slower,
    Faster,
    Newest,
}

/// Keys that do one thing.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) keys: &'static [Key],
    /// The keys as people write them.
    pub(crate) names: &'static str,
    pub(crate) action: Action,
    /// What it does, in a line of the help.
    pub(crate) does: &'static str,
    /// Key and effect in a word each, for the bottom line; absent where it is not shown there.
    pub(crate) hint: Option<(&'static str, &'static str)>,
}

/// Every key there is: what is pressed is looked up here, and the help and the bottom line are drawn from it.
pub(crate) const KEYS: &[Binding] = &[
    binding(&[Key::Up, Key::Char('k')], "↑ k", Action::Up, "one up", None),
    binding(&[Key::Down, Key::Char('j')], "↓ j", Action::Down, "one down", Some(("↑↓", "move"))),
    binding(&[Key::PageUp], "PgUp", Action::PageUp, "a page up", None),
    binding(&[Key::PageDown], "PgDn", Action::PageDown, "a page down", None),
    binding(&[Key::Home, Key::Char('g')], "Home g", Action::First, "to the first", None),
    binding(&[Key::End, Key::Char('G')], "End G", Action::Last, "to the last", None),
    binding(&[Key::Tab], "Tab", Action::NextScreen, "next screen", Some(("1…7", "screens"))),
    binding(&[Key::BackTab], "Shift-Tab", Action::PreviousScreen, "previous screen", None),
    binding(
        &[Key::Enter],
        "Enter",
        Action::Open,
        "open what is behind the marked row",
        Some(("Enter", "open")),
    ),
    binding(&[Key::Esc], "Esc", Action::Back, "back", Some(("Esc", "back"))),
    binding(
        &[Key::Char(' ')],
        "Space",
        Action::Pause,
        "stand still, and go on; a recording is played from here",
        Some(("Space", "pause")),
    ),
    binding(&[Key::Left], "←", Action::Earlier, "a second back: the screen as it was then", None),
    binding(&[Key::Right], "→", Action::Later, "a second on", None),
    binding(&[Key::ShiftLeft], "Shift-←", Action::MuchEarlier, "ten seconds back", None),
    binding(&[Key::ShiftRight], "Shift-→", Action::MuchLater, "ten seconds on", None),
    binding(&[Key::Char('[')], "[", Action::PreviousStall, "back to the previous stall", None),
    binding(&[Key::Char(']')], "]", Action::NextStall, "on to the next stall", None),
    binding(&[Key::Char('<')], "<", Action::Slower, "play from here, half as fast", None),
    binding(&[Key::Char('>')], ">", Action::Faster, "play from here, twice as fast", None),
    binding(&[Key::Char('L')], "L", Action::Newest, "to what is newest: live, or a recording's end", None),
    binding(&[Key::Char('1')], "1", Action::Screen(Screen::Overview), "overview", None),
    binding(
        &[Key::Char('2')],
        "2",
        Action::Screen(Screen::Stalls),
        "stalls, and what else is found, by the line that did it",
        None,
    ),
    binding(
        &[Key::Char('3')],
        "3",
        Action::Screen(Screen::Tasks),
        "tasks, by the line that spawned them",
        None,
    ),
    binding(
        &[Key::Char('4')],
        "4",
        Action::Screen(Screen::Handlers),
        "handlers: what each route takes",
        None,
    ),
    binding(&[Key::Char('5')], "5", Action::Screen(Screen::Sockets), "sockets", None),
    binding(&[Key::Char('6')], "6", Action::Screen(Screen::Workers), "workers", None),
    binding(
        &[Key::Char('7')],
        "7",
        Action::Screen(Screen::Runtime),
        "runtime: queues, blocking pool, what is not seen",
        None,
    ),
    binding(
        &[Key::Char('8')],
        "8",
        Action::Screen(Screen::Processes),
        "processes, where several are watched",
        None,
    ),
    binding(&[Key::Char('s')], "s", Action::Sort, "sort by the next column", Some(("s", "sort"))),
    binding(&[Key::Char('S')], "S", Action::Reverse, "reverse the order", None),
    binding(
        &[Key::Char('m')],
        "m",
        Action::Mode,
        "mode of the process: full, lean, off",
        Some(("m", "mode")),
    ),
    binding(&[Key::Char('?')], "?", Action::Help, "this help", Some(("?", "help"))),
    binding(
        &[Key::Char('q'), Key::CtrlC],
        "q Ctrl-C",
        Action::Quit,
        "quit; the watched process is left alone",
        Some(("q", "quit")),
    ),
];

const fn binding(
    keys: &'static [Key],
    names: &'static str,
    action: Action,
    does: &'static str,
    hint: Option<(&'static str, &'static str)>,
) -> Binding {
    Binding { keys, names, action, does, hint }
}

impl Key {
    /// What it does, if anything.
    pub(crate) fn action(self) -> Option<Action> {
        KEYS.iter().find(|binding| binding.keys.contains(&self)).map(|binding| binding.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let all: Vec<Key> = KEYS.iter().flat_map(|binding| binding.keys).copied().collect();
        for (at, key) in all.iter().enumerate() {
            assert!(!all[..at].contains(key), "{key:?} is bound twice");
        }
    }
}
