//! One idea for every list: rows of cells under columns. Sorting, filtering, marking and exporting work on that alone.

mod arrange;
mod column;
mod export;
mod value;

pub(crate) use arrange::{Listed, Listing, Order};
pub(crate) use column::{Column, Cut, Kind};
pub(crate) use export::Format;
pub(crate) use value::{Cell, Tone, Value};

use super::navigation::Opened;
use std::cell::OnceCell;

/// A list, in the order that tells most unless another is chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Row>,
    /// The column by which its rows come sorted, where there is one.
    pub(crate) usual: Option<&'static str>,
    /// How many rows there are, filtered out or not.
    pub(crate) total: usize,
    /// How many of them are stalls that are too short to be listed.
    pub(crate) short: usize,
    /// Found when it is drawn for the first time: a long list is drawn many times before it is made anew.
    pub(crate) extents: OnceCell<Vec<Extent>>,
}

/// What all rows have in a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Characters of the longest text, the head among them.
    pub(crate) widest: usize,
    /// Some row knows it.
    pub(crate) told: bool,
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
    /// Of what is about a stall: how long the longest lasted, in nanoseconds.
    pub(crate) lasted_ns: Option<u64>,
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
    /// The user wants it.
    Chosen,
}

impl Table {
    pub(crate) fn new(columns: &'static [Column], usual: Option<&'static str>, rows: Vec<Row>) -> Self {
        Self { columns, total: rows.len(), rows, usual, short: 0, extents: OnceCell::new() }
    }

    /// Leaves out the stalls that are shorter.
    pub(super) fn leave_out_below(&mut self, least_ns: u64) {
        let before = self.rows.len();
        self.rows.retain(|row| row.lasted_ns.is_none_or(|lasted_ns| lasted_ns >= least_ns));
        self.short = before - self.rows.len();
        self.extents.take();
    }

    /// Where a column stands.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl Row {
    /// A row that opens to nothing but itself.
    pub(crate) fn new(key: String, cells: Vec<Cell>) -> Self {
        Self { opens: Opened::Row(key.clone()), key, sign: Sign::None, cells, lasted_ns: None }
    }

    /// What is known of it, for people.
    pub(super) fn in_words(&self) -> String {
        let known = self.cells.iter().filter(|cell| cell.value.is_known());
        known.map(|cell| cell.value.shown().into_owned()).collect::<Vec<_>>().join("  ")
    }

    pub(crate) fn with(self, sign: Sign) -> Self {
        Self { sign, ..self }
    }

    pub(crate) fn opening(self, opens: Opened) -> Self {
        Self { opens, ..self }
    }
}
