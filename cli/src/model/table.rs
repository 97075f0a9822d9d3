//! One idea for every list: rows of cells under columns. Sorting, filtering, marking and exporting work on that alone.

mod arrange;
mod column;
mod value;

pub(crate) use arrange::{Listed, Listing, Order};
pub(crate) use column::{Column, Cut, Kind};
pub(crate) use value::{Cell, Tone, Value};

use super::navigation::Opened;

/// A list, in the order that tells most unless another is chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Row>,
    /// The column whose order that is, where there is one.
    pub(crate) usual: Option<&'static str>,
    /// How many rows there are, filtered out or not.
    pub(crate) total: usize,
}

/// A row of a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Tells it from the others, whatever its figures become.
    pub(crate) key: String,
    pub(crate) sign: Sign,
    /// One for each column.
    pub(crate) cells: Vec<Cell>,
    /// What is behind it.
    pub(crate) opens: Opened,
}

/// What stands before a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sign {
    #[default]
    None,
    /// It is wrong now, or something is found about it.
    Accused,
    /// Less is known of it than of others.
    Aside,
}

impl Table {
    pub(crate) fn new(columns: &'static [Column], usual: Option<&'static str>, rows: Vec<Row>) -> Self {
        Self { columns, total: rows.len(), rows, usual }
    }

    /// Where a column stands.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl Row {
    /// A row that opens to nothing but itself.
    pub(crate) fn new(key: String, cells: Vec<Cell>) -> Self {
        Self { opens: Opened::Row(key.clone()), key, sign: Sign::None, cells }
    }

    pub(crate) fn with(self, sign: Sign) -> Self {
        Self { sign, ..self }
    }

    pub(crate) fn opening(self, opens: Opened) -> Self {
        Self { opens, ..self }
    }
}
