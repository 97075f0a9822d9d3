mod name;

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
    Backspace,
    Delete,
    CtrlU,
    CtrlW,
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
    Filter,
    Export,
    Copy,
    Edit,
    Longer,
    Shorter,
    Reset,
    Whole,
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
    NextProcess,
    PreviousProcess,
}

/// Keys that do one thing.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) keys: &'static [Key],
    pub(crate) action: Action,
    /// What it does, in a line of the help.
    pub(crate) does: &'static str,
    /// What it does in a word, for the bottom line; absent where it is not shown there.
    pub(crate) hint: Option<&'static str>,
}

/// Every key there is: what is pressed is looked up here, and the help and the bottom line are drawn from it.
pub(crate) const KEYS: &[Binding] = &[
    binding(&[Key::Up, Key::Char('k')], Action::Up, "one up", None),
    binding(&[Key::Down, Key::Char('j')], Action::Down, "one down", Some("move")),
    binding(&[Key::PageUp], Action::PageUp, "a page up", None),
    binding(&[Key::PageDown], Action::PageDown, "a page down", None),
    binding(&[Key::Home, Key::Char('g')], Action::First, "to the first", None),
    binding(&[Key::End, Key::Char('G')], Action::Last, "to the last", None),
    binding(&[Key::Tab], Action::NextScreen, "next screen", Some("screens")),
    binding(&[Key::BackTab], Action::PreviousScreen, "previous screen", None),
    binding(&[Key::Enter], Action::Open, "open what is behind the marked row", Some("open")),
    binding(&[Key::Esc], Action::Back, "back", Some("back")),
    binding(
        &[Key::Char(' ')],
        Action::Pause,
        "stand still, and go on; a recording is played from here",
        Some("pause"),
    ),
    binding(&[Key::Left, Key::Char('h')], Action::Earlier, "a second back: the screen as it was then", None),
    binding(&[Key::Right, Key::Char('l')], Action::Later, "a second on", None),
    binding(&[Key::ShiftLeft], Action::MuchEarlier, "ten seconds back", None),
    binding(&[Key::ShiftRight], Action::MuchLater, "ten seconds on", None),
    binding(&[Key::Char('[')], Action::PreviousStall, "back to the previous stall", None),
    binding(&[Key::Char(']')], Action::NextStall, "on to the next stall", None),
    binding(&[Key::Char('<')], Action::Slower, "play from here, half as fast", None),
    binding(&[Key::Char('>')], Action::Faster, "play from here, twice as fast", None),
    binding(&[Key::Char('L')], Action::Newest, "to what is newest: live, or a recording's end", None),
    binding(&[Key::Char('1')], Action::Screen(Screen::Overview), "overview", None),
    binding(
        &[Key::Char('2')],
        Action::Screen(Screen::Stalls),
        "stalls, and what else is found, by the line that did it",
        None,
    ),
    binding(&[Key::Char('3')], Action::Screen(Screen::Tasks), "tasks, by the line that spawned them", None),
    binding(&[Key::Char('4')], Action::Screen(Screen::Handlers), "handlers: what each route takes", None),
    binding(&[Key::Char('5')], Action::Screen(Screen::Sockets), "sockets", None),
    binding(&[Key::Char('6')], Action::Screen(Screen::Workers), "workers", None),
    binding(
        &[Key::Char('7')],
        Action::Screen(Screen::Runtime),
        "runtime: queues, blocking pool, what is not seen",
        None,
    ),
    binding(
        &[Key::Char('8')],
        Action::Screen(Screen::Processes),
        "processes, where several are watched",
        None,
    ),
    binding(&[Key::Char('p')], Action::NextProcess, "next process", Some("process")),
    binding(&[Key::Char('P')], Action::PreviousProcess, "previous process", None),
    binding(
        &[Key::Char('/')],
        Action::Filter,
        "filter: only rows that have each of these words; Esc ends it",
        Some("filter"),
    ),
    binding(&[Key::Char('s')], Action::Sort, "sort by the next column", Some("sort")),
    binding(&[Key::Char('S')], Action::Reverse, "reverse the order", None),
    binding(&[Key::Char('+'), Key::Char('=')], Action::Longer, "list longer stalls only", None),
    binding(
        &[Key::Char('-')],
        Action::Shorter,
        "list shorter stalls too, down to the process's own threshold",
        None,
    ),
    binding(
        &[Key::Char('r')],
        Action::Reset,
        "reset: count from here on; to look back shows all still",
        None,
    ),
    binding(&[Key::Char('R')], Action::Whole, "count since the process's start again", None),
    binding(
        &[Key::Char('e')],
        Action::Edit,
        "open the line in the editor that $VISUAL or $EDITOR names",
        Some("edit"),
    ),
    binding(&[Key::Char('y')], Action::Copy, "copy the line's place, else the row", None),
    binding(
        &[Key::Char('x')],
        Action::Export,
        "write the list, filtered and sorted as it is, to a file",
        None,
    ),
    binding(
        &[Key::Char('m')],
        Action::Mode,
        "change the mode of the process: full, lean, off (asks first)",
        Some("mode"),
    ),
    binding(&[Key::Char('?')], Action::Help, "this help", Some("help")),
    binding(
        &[Key::Char('q'), Key::CtrlC],
        Action::Quit,
        "quit; the watched process is left alone",
        Some("quit"),
    ),
];

const fn binding(
    keys: &'static [Key],
    action: Action,
    does: &'static str,
    hint: Option<&'static str>,
) -> Binding {
    Binding { keys, action, does, hint }
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
