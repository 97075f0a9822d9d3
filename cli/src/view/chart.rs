use super::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use stallscope_wire::duration::show;

/// Eighths of a character's height.
pub(super) const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Room for the numbers at the left: `100ms┤`.
const AXIS: u16 = 6;
/// The lowest value that is told from nothing, in nanoseconds.
const FLOOR_NS: f64 = 100_000.0;

/// Durations over time as bars, on a logarithmic scale: what is normal and a stall are a thousandfold apart, and both
/// are to be seen.
pub(super) struct Chart<'a> {
    pub(super) series: &'a [Option<u64>],
    /// A line is drawn here, in nanoseconds; bars above it are wrong.
    pub(super) limit_ns: u64,
    pub(super) theme: Theme,
}

impl Widget for Chart<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        if area.width <= AXIS + 1 || area.height == 0 {
            return;
        }
        let legend = u16::from(area.height > 3);
        let plot = Rect { x: area.x + AXIS, width: area.width - AXIS, height: area.height - legend, ..area };
        let ceiling = self.ceiling_ns();
        let limit = (self.limit_ns > 0)
            .then(|| cell(height(self.limit_ns, ceiling, plot.height)).min(plot.height - 1));
        self.axis(plot, ceiling, limit, buffer);
        self.bars(plot, ceiling, limit, buffer);
        if legend > 0 {
            let y = plot.bottom();
            let now = plot.right().saturating_sub(3);
            buffer.set_string(plot.x, y, "60s ago", self.theme.dim());
            if plot.width >= 30 {
                buffer.set_string(plot.x + plot.width / 2 - 1, y, "30s", self.theme.dim());
            }
            buffer.set_string(now, y, "now", self.theme.dim());
        }
    }
}

impl Chart<'_> {
    /// A power of ten above everything.
    fn ceiling_ns(&self) -> f64 {
        let highest =
            self.series.iter().flatten().copied().max().unwrap_or(0).max(self.limit_ns.saturating_mul(4));
        10f64.powf((highest.max(1) as f64).log10().ceil()).max(FLOOR_NS * 1000.0)
    }

    fn axis(&self, plot: Rect, ceiling: f64, limit: Option<u16>, buffer: &mut Buffer) {
        let mut labels = vec![None; usize::from(plot.height)];
        let mut value = FLOOR_NS;
        while value < ceiling * 0.999 {
            let row = cell(height(value as u64, ceiling, plot.height));
            if let Some(label) = labels.get_mut(usize::from(row)) {
                *label = label.or(Some(value as u64));
            }
            value *= 10.0;
        }
        for (row, label) in (0..plot.height).zip(labels) {
            let y = plot.bottom() - 1 - row;
            let (text, style) = match label {
                _ if limit == Some(row) => (format!("{:>5}┄", show(self.limit_ns)), self.theme.warning()),
                Some(value) => (format!("{:>5}┤", show(value)), self.theme.dim()),
                None => ("     │".to_owned(), self.theme.dim()),
            };
            buffer.set_stringn(plot.x - AXIS, y, text, usize::from(AXIS), style);
        }
    }

    fn bars(&self, plot: Rect, ceiling: f64, limit: Option<u16>, buffer: &mut Buffer) {
        for column in 0..plot.width {
            let value = self.longest_in(column, plot.width);
            let eighths = value
                .map_or(0, |value| (height(value, ceiling, plot.height) * 8.0).round().max(1.0) as usize);
            let over = self.limit_ns > 0 && value.is_some_and(|value| value > self.limit_ns);
            for row in 0..plot.height {
                let filled = eighths.saturating_sub(usize::from(row) * 8).min(8);
                // Only what stands out is loud.
                let style = if over && limit.is_none_or(|limit| row >= limit) {
                    self.theme.bad()
                } else {
                    self.theme.good()
                };
                let (symbol, style) = match filled {
                    0 if limit == Some(row) => ("┄", self.theme.warning()),
                    0 => continue,
                    filled => (EIGHTHS[filled], style),
                };
                set(buffer, plot.x + column, plot.bottom() - 1 - row, symbol, style);
            }
        }
    }

    /// The longest of the values that share a column; the newest is at the right edge.
    fn longest_in(&self, column: u16, width: u16) -> Option<u64> {
        let (count, width) = (self.series.len(), usize::from(width));
        let from = usize::from(column) * count / width;
        let to = ((usize::from(column) + 1) * count / width).max(from + 1).min(count);
        self.series.get(from..to)?.iter().flatten().copied().max()
    }
}

/// How high a value stands, in characters.
fn height(value: u64, ceiling: f64, rows: u16) -> f64 {
    let share = ((value as f64).max(FLOOR_NS) / FLOOR_NS).log10() / (ceiling / FLOOR_NS).log10();
    share.clamp(0.0, 1.0) * f64::from(rows)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the rows of a screen")]
fn cell(height: f64) -> u16 {
    height.floor() as u16
}

pub(super) fn set(buffer: &mut Buffer, x: u16, y: u16, symbol: &str, style: Style) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(symbol).set_style(style);
    }
}
