use super::super::escape::xml;
use super::super::{Course, Run};
use crate::source::process_name;
use stallscope::analysis::{Culprit, History, StallRecord};
use stallscope_wire::WorkerState;
use stallscope_wire::duration::show;
use std::cmp::Reverse;
use std::io::{self, Write};

/// Steps that a life is drawn in.
const COLUMNS: usize = 500;
/// What a drawing is wide, in its own units.
const WIDTH: f64 = 1000.0;
const LAG_HEIGHT: f64 = 60.0;
const STRIP_HEIGHT: f64 = 12.0;
/// The most processes that are drawn, and the most threads of all of them; those that were blocked longest.
const PROCESSES: usize = 16;
const THREADS: usize = 64;
/// Shades of being busy.
const SHADES: u16 = 8;
/// A stall is never too short to be seen, in units.
const NARROWEST: f64 = 1.5;

/// Lag and threads of each process over its life.
pub(super) fn write(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    writeln!(
        out,
        "<p class=\"dim\"><span class=\"key blocked\"></span> blocked <span class=\"key busy\"></span> busy \
         <span class=\"key parked\"></span> parked</p>"
    )?;
    let drawn: Vec<_> = runs.iter().filter(|run| !run.course.looks.is_empty()).collect();
    let threads = THREADS / drawn.len().clamp(1, PROCESSES);
    for &run in drawn.iter().take(PROCESSES) {
        let header = run.history.header();
        let span = Span::of(run);
        writeln!(out, "<h3>{} ({})</h3>", xml(process_name(header)), header.pid)?;
        write_lag(out, &run.course, span, header.lag_limit_ns)?;
        write_threads(out, run, span, threads)?;
        let from = match span.from_ns {
            0 => "its start".to_owned(),
            from_ns => show(from_ns).to_string(),
        };
        let to = show(span.to_ns);
        writeln!(out, "<p class=\"axis dim\"><span>{from}</span><span>{to} after its start</span></p>")?;
    }
    if drawn.len() > PROCESSES {
        writeln!(out, "<p class=\"dim\">{} more processes are not drawn.</p>", drawn.len() - PROCESSES)?;
    }
    Ok(())
}

/// The time that is drawn.
#[derive(Clone, Copy)]
struct Span {
    from_ns: u64,
    to_ns: u64,
}

impl Span {
    fn of(run: &Run) -> Self {
        let to_ns = run.history.last_at_ns().max(1);
        Self { from_ns: to_ns.saturating_sub(run.history.observed_ns()).min(to_ns - 1), to_ns }
    }

    fn x(self, at_ns: u64) -> f64 {
        let into = at_ns.clamp(self.from_ns, self.to_ns) - self.from_ns;
        into as f64 * WIDTH / (self.to_ns - self.from_ns) as f64
    }

    fn column(self, at_ns: u64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to the number of columns"
        )]
        let column = (self.x(at_ns) / WIDTH * COLUMNS as f64) as usize;
        column.min(COLUMNS - 1)
    }
}

/// The longest wait in each step, and the limit.
fn write_lag(out: &mut impl Write, course: &Course, span: Span, limit_ns: u64) -> io::Result<()> {
    let mut longest = vec![0; COLUMNS];
    for look in &course.looks {
        let column = &mut longest[span.column(look.at_ns)];
        *column = look.lag_ns.unwrap_or(0).max(*column);
    }
    let worst = longest.iter().copied().max().unwrap_or(0);
    let full = worst.max(limit_ns).max(1) as f64;
    writeln!(out, "<div class=\"strip\"><span class=\"name\">loop lag, at most {}</span>", show(worst))?;
    writeln!(out, "<svg class=\"lag\" viewBox=\"0 0 {WIDTH} {LAG_HEIGHT}\" preserveAspectRatio=\"none\">")?;
    let step = WIDTH / COLUMNS as f64;
    for (column, &lag_ns) in longest.iter().enumerate().filter(|(_, lag_ns)| **lag_ns > 0) {
        let height = (lag_ns as f64 / full * LAG_HEIGHT).max(0.5);
        let class = if limit_ns > 0 && lag_ns >= limit_ns { "over" } else { "under" };
        let (x, y) = (column as f64 * step, LAG_HEIGHT - height);
        writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y:.2}\" width=\"{step}\" height=\"{height:.2}\"><title>{}</title></rect>",
            show(lag_ns)
        )?;
    }
    writeln!(out, "</svg></div>")
}

fn write_threads(out: &mut impl Write, run: &Run, span: Span, most: usize) -> io::Result<()> {
    let stalls = |thread: usize| {
        let thread = &run.course.threads[thread];
        let key = (thread.tid, thread.runtime, thread.worker);
        run.history.stalls().filter(move |record| {
            let stalled = &record.stall.thread;
            (stalled.tid, stalled.runtime, stalled.worker) == key
        })
    };
    let mut order: Vec<_> = (0..run.course.threads.len()).collect();
    if order.len() > most {
        order.sort_by_key(|&thread| {
            Reverse(stalls(thread).map(|record| record.stall.duration_ns).sum::<u64>())
        });
        order.truncate(most);
    }
    order.sort_by_key(|&thread| {
        let thread = &run.course.threads[thread];
        (thread.worker.is_none(), thread.runtime, thread.worker)
    });
    for thread in &order {
        write_thread(out, run, *thread, stalls(*thread), span)?;
    }
    let hidden = run.course.threads.len() - order.len();
    if hidden > 0 {
        writeln!(out, "<p class=\"dim\">{hidden} more threads are not drawn.</p>")?;
    }
    Ok(())
}

fn write_thread<'a>(
    out: &mut impl Write,
    run: &Run,
    thread: usize,
    stalls: impl Iterator<Item = &'a StallRecord>,
    span: Span,
) -> io::Result<()> {
    let known = &run.course.threads[thread];
    let name = match known.worker {
        Some(worker) if several_runtimes(&run.course) => {
            format!("worker {worker}, runtime {}", known.runtime)
        }
        Some(worker) => format!("worker {worker}"),
        None if known.name.is_empty() => "thread".to_owned(),
        None => known.name.clone(),
    };
    let mut busy = vec![0; COLUMNS];
    for look in &run.course.looks {
        let seen = look.threads.iter().filter(|seen| usize::from(seen.thread) == thread);
        let column = &mut busy[span.column(look.at_ns)];
        let permille = seen.map(|seen| match seen.state {
            // In lean and sampled processes tokio's own figure may come late.
            WorkerState::Blocked => 1000,
            _ => seen.busy_permille,
        });
        *column = permille.max().unwrap_or(0).max(*column);
    }
    writeln!(out, "<div class=\"strip\"><span class=\"name\">{}</span>", xml(name))?;
    writeln!(out, "<svg viewBox=\"0 0 {WIDTH} {STRIP_HEIGHT}\" preserveAspectRatio=\"none\">")?;
    let step = WIDTH / COLUMNS as f64;
    let shade = |permille: u16| permille.div_ceil(1000 / SHADES).min(SHADES);
    let mut column = 0;
    for alike in busy.chunk_by(|&a, &b| shade(a) == shade(b)) {
        let (x, width) = (column as f64 * step, alike.len() as f64 * step);
        column += alike.len();
        let opacity = f64::from(shade(alike[0])) / f64::from(SHADES);
        if opacity > 0.0 {
            writeln!(
                out,
                "<rect class=\"busy\" x=\"{x}\" width=\"{width}\" height=\"{STRIP_HEIGHT}\" opacity=\"{opacity}\"/>"
            )?;
        }
    }
    for record in stalls {
        let stall = &record.stall;
        let x = span.x(stall.started_ns);
        let end = span.x(stall.started_ns.saturating_add(stall.duration_ns));
        let width = (end - x).max(NARROWEST);
        let class = if record.blames_host() { "host" } else { "blocked" };
        writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x:.2}\" width=\"{width:.2}\" height=\"{STRIP_HEIGHT}\"><title>{}</title></rect>",
            xml(words(record, &run.history))
        )?;
    }
    writeln!(out, "</svg></div>")
}

fn words(record: &StallRecord, history: &History) -> String {
    let stall = &record.stall;
    let ongoing = if record.ongoing && !history.ended() { ", and had not ended" } else { "" };
    let at = show(stall.started_ns);
    format!(
        "{} blocked it for {}{ongoing}, {at} after the start",
        Culprit::of(record),
        show(stall.duration_ns)
    )
}

fn several_runtimes(course: &Course) -> bool {
    course
        .threads
        .iter()
        .any(|thread| Some(thread.runtime) != course.threads.first().map(|first| first.runtime))
}
