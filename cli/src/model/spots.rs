use super::screen::Screen;

/// What was drawn where, for the mouse and for keys that move by a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spots {
    /// The rows of the list.
    pub(crate) rows: Area,
    /// Which row of the list stands first among them.
    pub(crate) first: usize,
    /// The heads of the list's columns, by the columns' names.
    pub(crate) heads: Vec<(Area, &'static str)>,
    pub(crate) screens: Vec<(Area, Screen)>,
    /// The last line that the help may begin with.
    pub(crate) help: usize,
}

/// A part of the screen, in cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Area {
    pub(super) fn has(self, x: u16, y: u16) -> bool {
        let within = |at: u16, from: u16, length: u16| at >= from && at - from < length;
        within(x, self.x, self.width) && within(y, self.y, self.height)
    }
}
