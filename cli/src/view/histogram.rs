use super::chart::{EIGHTHS, set};
use super::fit;
use super::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use stallscope_wire::duration::show;

/// Room for the numbers at the left: `12.3k┤`.
const AXIS: u16 = 6;
/// Room for a duration below the bars, and a gap.
const LABEL: usize = 10;
/// Bars a doubling of the duration: as finely as the instrument counts.
const STEPS: f64 = 4.0;
/// No bar is wider.
const WIDEST: usize = 4;

/// How often which durations were seen, on logarithmic scales: one long poll among a million is to be seen.
pub(super) struct Histogram<'a> {
    pub(super) histogram: &'a stallscope_wire::Histogram,
    pub(super) theme: Theme,
}

/// The bars from left to right.
struct Bars {
    counts: Vec<u64>,
    /// Number of the first one's step.
    first: u32,
    /// How many steps share a bar.
    merged: usize,
    /// Characters a bar.
    width: usize,
}

impl Bars {
    fn of(histogram: &stallscope_wire::Histogram, room: usize) -> Option<Self> {
        let seen = || {
            histogram
                .buckets
                .iter()
                .filter(|(_, count)| *count > 0)
                .map(|&(upper, count)| (step(upper), count))
        };
        let (first, last) = (seen().map(|(step, _)| step).min()?, seen().map(|(step, _)| step).max()?);
        let steps = (last - first) as usize + 1;
        let merged = steps.div_ceil(room.max(1));
        let bars = steps.div_ceil(merged);
        let mut counts = vec![0_u64; bars];
        for (step, count) in seen() {
            let bar = &mut counts[(step - first) as usize / merged];
            *bar = bar.saturating_add(count);
        }
        Some(Self { counts, first, merged, width: (room / bars).clamp(1, WIDEST) })
    }

    /// The longest duration of a bar, in nanoseconds.
    fn longest_ns(&self, bar: usize) -> u64 {
        let step = self.first as usize + (bar + 1) * self.merged - 1;
        upper_ns(step)
    }
}

impl Widget for Histogram<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        if area.width <= AXIS + 1 || area.height < 3 {
            return;
        }
        let plot = Rect { x: area.x + AXIS, width: area.width - AXIS, height: area.height - 1, ..area };
        let Some(bars) = Bars::of(self.histogram, usize::from(plot.width)) else { return };
        let most = bars.counts.iter().copied().max().unwrap_or(0);
        for row in 0..plot.height {
            let label = match row {
                0 => format!("{:>5}┤", fit::count(most)),
                _ => "     │".to_owned(),
            };
            buffer.set_stringn(area.x, plot.y + row, label, usize::from(AXIS), self.theme.dim());
        }
        for (bar, &count) in bars.counts.iter().enumerate() {
            let eighths = eighths(count, most, plot.height);
            for row in 0..plot.height {
                let filled = eighths.saturating_sub(usize::from(row) * 8).min(8);
                for column in 0..bars.width {
                    let x = plot.x + (bar * bars.width + column) as u16;
                    if filled > 0 && x < plot.right() {
                        set(buffer, x, plot.bottom() - 1 - row, EIGHTHS[filled], self.theme.good());
                    }
                }
            }
        }
        let mut free = 0;
        for bar in 0..bars.counts.len() {
            let at = bar * bars.width;
            let text = format!("≤{}", show(bars.longest_ns(bar)));
            if at >= free && at + text.chars().count() <= usize::from(plot.width) {
                buffer.set_string(plot.x + at as u16, plot.bottom(), &text, self.theme.dim());
                free = at + LABEL;
            }
        }
    }
}

/// What is there at all is at least an eighth high.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the rows of a screen")]
fn eighths(count: u64, most: u64, rows: u16) -> usize {
    if count == 0 {
        return 0;
    }
    let share = ((count + 1) as f64).ln() / ((most + 1) as f64).ln();
    ((share * f64::from(rows) * 8.0).round() as usize).max(1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most 256, the steps of 64 doublings"
)]
fn step(upper_ns: u64) -> u32 {
    ((upper_ns.max(1) as f64).log2() * STEPS).round() as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a duration that was seen")]
fn upper_ns(step: usize) -> u64 {
    (step as f64 / STEPS).exp2().round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(buckets: &[(u64, u64)], room: usize) -> Bars {
        let histogram = stallscope_wire::Histogram { buckets: buckets.to_vec(), ..Default::default() };
        Bars::of(&histogram, room).expect("something was counted")
    }

    #[test]
    fn each_step_has_a_bar_where_there_is_room() {
        let bars = bars(&[(1024, 7), (2048, 1)], 100);
        assert_eq!((bars.counts, bars.width), (vec![7, 0, 0, 0, 1], WIDEST));
    }

    #[test]
    fn steps_share_a_bar_where_there_is_none() {
        let bars = bars(&[(1024, 7), (1218, 2), (2048, 1)], 3);
        assert_eq!((&bars.counts[..], bars.merged), (&[9, 0, 1][..], 2));
        assert_eq!(bars.longest_ns(0), 1218);
    }

    #[test]
    fn one_of_many_is_still_seen() {
        assert_eq!(eighths(1, 1_000_000, 4), 2);
        assert_eq!((eighths(0, 9, 4), eighths(9, 9, 4)), (0, 32));
    }
}
