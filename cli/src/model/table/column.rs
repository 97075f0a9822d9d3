/// A column of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name in exports, with the unit.
    pub(crate) name: &'static str,
    pub(crate) head: &'static str,
    /// What it is about with those beside it: said where several of them stand together, and where one stands alone.
    pub(crate) group: Option<(&'static str, &'static str)>,
    /// Where there is no room for all, the highest go first.
    pub(crate) rank: u8,
    pub(crate) kind: Kind,
    /// It is left out where no row has anything in it.
    pub(crate) optional: bool,
}

/// What is in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Characters that it has at least and at most, and what is left out of a longer text.
    Text { least: usize, most: usize, cut: Cut },
    /// Characters that a figure and the gap before it have.
    Figure { width: usize },
}

/// Which part of a text gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Of a path and line, the end tells.
    Start,
    End,
    /// Of a function's name, the last segments tell.
    Segments,
}

impl Column {
    /// A column of text.
    pub(crate) const fn text(
        name: &'static str,
        head: &'static str,
        rank: u8,
        cut: Cut,
        (least, most): (usize, usize),
    ) -> Self {
        Self { name, head, group: None, rank, kind: Kind::Text { least, most, cut }, optional: false }
    }

    /// A column of figures, of which the largest come first when it is sorted by.
    pub(crate) const fn figure(name: &'static str, head: &'static str, rank: u8, width: usize) -> Self {
        Self { name, head, group: None, rank, kind: Kind::Figure { width }, optional: false }
    }

    pub(crate) const fn of(self, together: &'static str, alone: &'static str) -> Self {
        Self { group: Some((together, alone)), ..self }
    }

    pub(crate) const fn if_known(self) -> Self {
        Self { optional: true, ..self }
    }

    pub(crate) const fn is_text(self) -> bool {
        matches!(self.kind, Kind::Text { .. })
    }
}
