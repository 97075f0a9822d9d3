use super::{SIGN, sign};
use crate::model::{Area, Cell, Column, Cut, Extent, Kind, Order, Row, Sign, Table, Tone};
use crate::view::theme::Theme;
use crate::view::{fit, name, strip};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// The columns that fit, from left to right, with their places in a row and their widths.
pub(super) struct Columns<'a> {
    table: &'a Table,
    order: Option<Order>,
    shown: Vec<(usize, usize)>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(width: usize, table: &'a Table, order: Option<Order>) -> Self {
        let sorted = order.and_then(|order| table.column(order.by));
        let extents = table.extents.get_or_init(|| extents(table));
        let mut by_rank: Vec<_> = (0..table.columns.len()).collect();
        // What leads each row, then what it is sorted by, then what tells most.
        by_rank.sort_by_key(|&at| (at > 0, sorted != Some(at), table.columns[at].rank, at));
        let mut left = width.saturating_sub(SIGN);
        let mut shown: Vec<(usize, usize)> = Vec::new();
        for at in by_rank {
            let column = &table.columns[at];
            let Extent { widest, told } = extents[at];
            if column.optional && sorted != Some(at) && !told {
                continue;
            }
            let taken = match column.kind {
                Kind::Figure { width } => width,
                // What leads is not cut short for the others, unless it would leave them nothing.
                Kind::Text { least, .. } if column.rank == 0 => {
                    least.max(width * 2 / 5).min(widest) + gaps(at)
                }
                Kind::Text { least, .. } => least.min(widest) + gaps(at),
            };
            if shown.is_empty() || taken <= left {
                let taken = taken.min(left);
                left -= taken;
                shown.push((at, taken));
            }
        }
        // What is left goes to the texts that are cut, those that tell most first; what leads each row has most already.
        let leads = shown.first().is_some_and(|&(at, _)| at == 0);
        shown.rotate_left(usize::from(leads));
        for (at, taken) in &mut shown {
            if let Kind::Text { most, .. } = table.columns[*at].kind {
                let more = (extents[*at].widest.min(most) + gaps(*at)).saturating_sub(*taken).min(left);
                *taken += more;
                left -= more;
            }
        }
        shown.sort_unstable();
        Self { table, order, shown }
    }

    /// What several columns are about, if they are grouped, and their names below it.
    pub(super) fn heads(&self, theme: Theme) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        if self.has_groups() {
            let mut groups = " ".repeat(SIGN);
            let group = |at: usize| self.table.columns[at].group;
            let together =
                |a: &(usize, usize), b: &(usize, usize)| group(a.0).is_some() && group(a.0) == group(b.0);
            for run in self.shown.chunk_by(together) {
                let width: usize = run.iter().map(|(_, width)| width).sum();
                let (long, short) = group(run[0].0).unwrap_or_default();
                groups += &format!("{:>width$}", if run.len() > 1 { long } else { short });
            }
            lines.push(Line::styled(groups, theme.dim()));
        }
        let mut names = vec![Span::raw(" ".repeat(SIGN))];
        for &(at, width) in &self.shown {
            let column = &self.table.columns[at];
            let by = self.order.filter(|order| order.by == column.name);
            let arrow = by.map_or("", |order| if order.descends(column) { "▼" } else { "▲" });
            let gaps = if column.is_text() { gaps(at) } else { 1 };
            let room = width.saturating_sub(arrow.chars().count() + gaps);
            let text = format!("{}{arrow}", fit::end(column.head, room));
            let before = " ".repeat(gaps.saturating_sub(1));
            let text = if column.is_text() {
                format!("{:<width$}", fit::end(&(before + &text), width))
            } else {
                format!("{text:>width$}")
            };
            names.push(Span::styled(text, if by.is_some() { theme.strong() } else { theme.dim() }));
        }
        lines.push(Line::from(names));
        lines
    }

    fn has_groups(&self) -> bool {
        self.shown.iter().any(|(at, _)| self.table.columns[*at].group.is_some())
    }

    pub(super) fn row(&self, theme: Theme, row: &Row) -> Line<'static> {
        let style = if row.sign == Sign::Accused { theme.bad() } else { theme.dim() };
        let cells = self
            .shown
            .iter()
            .flat_map(|&(at, width)| cell(theme, &self.table.columns[at], &row.cells[at], width, gaps(at)));
        Line::from(std::iter::once(Span::styled(sign(row), style)).chain(cells).collect::<Vec<_>>())
    }

    /// Where each head is, for who clicks on it.
    pub(super) fn spots(&self, x: u16, y: u16) -> Vec<(Area, &'static str)> {
        let mut x = x + SIGN as u16;
        let spot = |&(at, width): &(usize, usize)| {
            let area = Area { x, y, width: width as u16, height: 1 };
            x += width as u16;
            (area, self.table.columns[at].name)
        };
        self.shown.iter().map(spot).collect()
    }
}

fn extents(table: &Table) -> Vec<Extent> {
    let told = |at: usize| table.rows.iter().any(|row| row.cells[at].value.is_known());
    (0..table.columns.len()).map(|at| Extent { widest: widest(table, at), told: told(at) }).collect()
}

/// Characters that the longest text of a column has, its head among them.
fn widest(table: &Table, at: usize) -> usize {
    let column = &table.columns[at];
    let Kind::Text { most, cut, .. } = column.kind else { return 0 };
    let head = column.head.chars().count() + 1;
    let longest = table.rows.iter().fold(head, |longest, row| {
        let text = row.cells[at].value.shown();
        // A text has no more characters than bytes, and a function no more than its name has.
        if longest >= text.len().min(most) {
            longest
        } else if cut == Cut::Segments {
            longest.max(function(&text).chars().count())
        } else {
            longest.max(text.chars().count())
        }
    });
    longest.min(most)
}

/// Characters around a text that keep it apart from the columns beside it.
fn gaps(at: usize) -> usize {
    if at == 0 { 1 } else { 2 }
}

fn cell(theme: Theme, column: &Column, cell: &Cell, width: usize, gaps: usize) -> Vec<Span<'static>> {
    let text = cell.value.shown();
    let text = match column.kind {
        Kind::Figure { .. } => format!("{:>width$}", fit::end(&text, width)),
        Kind::Text { .. } if width < gaps => " ".repeat(width),
        Kind::Text { cut, .. } => {
            let room = width - gaps;
            let text = match cut {
                Cut::Start => fit::place(&text, room),
                Cut::End => fit::column(&text, room),
                Cut::Segments => name::column(&function(&text), room),
            };
            format!("{:width$}", format!("{}{text}", " ".repeat(gaps - 1)))
        }
    };
    match cell.tone {
        Tone::Strip => strip::spans(theme, &text),
        tone => vec![Span::styled(text, style(theme, tone))],
    }
}

/// A function as people call it.
fn function(name: &str) -> String {
    let plain = name::plain(name);
    plain.trim_end_matches("::{{closure}}").to_owned()
}

fn style(theme: Theme, tone: Tone) -> Style {
    match tone {
        Tone::Plain | Tone::Strip => Style::new(),
        Tone::Strong => theme.strong(),
        Tone::Dim => theme.dim(),
        Tone::Warning => theme.warning(),
        Tone::Bad => theme.bad(),
    }
}
