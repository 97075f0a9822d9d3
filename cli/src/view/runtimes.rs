use super::fit;
use super::theme::Theme;
use crate::model::{Process, RuntimeFigures, UNEVEN, runtimes};
use ratatui::text::{Line, Span};

/// Queues, blocking pool and balance of each runtime, one line each; what does not fit is left out, a figure at a time.
pub(super) fn lines(theme: Theme, process: &Process, width: usize) -> Vec<Line<'static>> {
    let known = runtimes(process);
    let pace = process.tasks.forced_yields().filter(|pace| *pace >= 0.05 && known.len() == 1);
    known.iter().map(|runtime| line(theme, runtime, pace, width)).collect()
}

fn line(theme: Theme, runtime: &RuntimeFigures, pace: Option<f64>, width: usize) -> Line<'static> {
    let mut parts = Vec::new();
    if let Some(pool) = runtime.pool {
        let (busy, idle, waiting) = (pool.busy, pool.idle, pool.waiting);
        let style = if waiting > 0 { theme.warning() } else { theme.dim() };
        parts.push((format!("blocking pool {busy} busy, {idle} idle, {waiting} waiting"), style));
    }
    parts.push((format!("injection queue {}", fit::count(runtime.injection_queue)), theme.dim()));
    if let Some(yields) = runtime.forced_yields {
        let pace = pace.map_or_else(String::new, |pace| format!(" ({}/s)", fit::rate(pace)));
        parts.push((format!("forced yields {}{pace}", fit::count(yields)), theme.dim()));
    }
    if let Some(imbalance) = runtime.imbalance {
        let style = if imbalance >= UNEVEN { theme.warning() } else { theme.dim() };
        parts.push((format!("busiest worker {imbalance:.1}× the mean"), style));
    }
    let mut spans = vec![Span::raw(" ")];
    if let Some(name) = &runtime.name {
        spans.push(Span::styled(format!("{} ", fit::column(name, 12)), theme.strong()));
    }
    let mut used: usize = spans.iter().map(Span::width).sum();
    for (number, (text, style)) in parts.into_iter().enumerate() {
        let text = if number == 0 { text } else { format!(" · {text}") };
        used += text.chars().count();
        if used > width {
            break;
        }
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}
