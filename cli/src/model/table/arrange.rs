use super::{Column, Row, Table};
use std::rc::Rc;

/// What the user made of a list: how it is sorted, what of it is shown, and which row is marked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    /// None is the usual order.
    pub(crate) order: Option<Order>,
    /// Each word must stand somewhere in a row.
    pub(crate) filter: String,
    /// The row that is marked: it stays marked when others overtake it. None is the first, whichever that is.
    mark: Option<String>,
    /// Where it was when it was marked, for when it is gone.
    at: usize,
}

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// A column's name.
    pub(crate) by: &'static str,
    /// Against the usual direction, which is the largest figure first, and the first text.
    pub(crate) reversed: bool,
}

/// A list as it is to be drawn.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) table: Rc<Table>,
    pub(crate) order: Option<Order>,
    pub(crate) filter: String,
    /// Where the marked row stands.
    pub(crate) marked: usize,
    /// Which row stood first on the screen.
    pub(crate) first: usize,
}

impl Order {
    /// Whether the largest comes first.
    pub(crate) fn descends(self, column: &Column) -> bool {
        column.is_text() == self.reversed
    }
}

impl Listing {
    /// The list as the user wants it.
    pub(crate) fn arrange(&self, mut table: Rc<Table>) -> Listed {
        let words: Vec<_> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        if !words.is_empty() {
            let table = Rc::make_mut(&mut table);
            table.rows.retain(|row| row.has(&words));
            table.extents.take();
        }
        let usual = table.usual.map(|by| Order { by, reversed: false });
        let order = self.order.or(usual).filter(|order| table.column(order.by).is_some());
        // As usual they come.
        let other = order.filter(|_| order != usual);
        if let Some((order, at)) = other.and_then(|order| Some((order, table.column(order.by)?))) {
            let descends = order.descends(&table.columns[at]);
            // Equal ones stay as they stood.
            let rows = &mut Rc::make_mut(&mut table).rows;
            rows.sort_by(|a, b| a.cells[at].value.compare(&b.cells[at].value, descends));
        }
        let found = self.mark.as_ref().and_then(|key| table.rows.iter().position(|row| row.key == *key));
        let marked = found.unwrap_or(self.at).min(table.rows.len().saturating_sub(1));
        Listed { table, order, filter: self.filter.clone(), marked, first: 0 }
    }

    /// Marks a row.
    pub(crate) fn mark(&mut self, listed: &Listed, at: usize) {
        let last = listed.table.rows.len().saturating_sub(1);
        self.at = at.min(last);
        self.mark = listed.table.rows.get(self.at).map(|row| row.key.clone());
    }

    /// Sorts by the next column; after the last one as usual. The first row is looked at anew: who sorts by something wants
    /// to see the most of it.
    pub(crate) fn sort(&mut self, table: &Table) {
        let by = self.order.map(|order| order.by).or(table.usual);
        let next = by.and_then(|by| table.column(by)).map_or(0, |at| at + 1);
        let first = if table.usual.is_some() { table.columns.first() } else { None };
        self.order =
            table.columns.get(next).or(first).map(|column| Order { by: column.name, reversed: false });
        self.look_from_the_top();
    }

    /// Sorts by this column; if it is sorted by it already, the other way round.
    pub(crate) fn sort_by(&mut self, name: &'static str, order: Option<Order>) {
        let reversed = order.is_some_and(|order| order.by == name && !order.reversed);
        self.order = Some(Order { by: name, reversed });
        self.look_from_the_top();
    }

    /// Turns the order round; by what it is sorted stays.
    pub(crate) fn reverse(&mut self, table: &Table) {
        let usual = table.usual.or(table.columns.first().map(|column| column.name));
        let order = self.order.or(usual.map(|by| Order { by, reversed: false }));
        self.order = order.map(|order| Order { reversed: !order.reversed, ..order });
        self.look_from_the_top();
    }

    pub(crate) fn look_from_the_top(&mut self) {
        (self.mark, self.at) = (None, 0);
    }
}

impl Listed {
    /// The marked row, unless there is none.
    pub(crate) fn row(&self) -> Option<&Row> {
        self.table.rows.get(self.marked)
    }
}

impl Row {
    /// Whether each of these words, in small letters, stands in some cell.
    fn has(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.cells.iter().any(|cell| cell.value.has(word)))
    }
}
