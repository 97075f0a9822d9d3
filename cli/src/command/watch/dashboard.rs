use super::Closed;
use super::terminal::{Input, Session};
use crate::model::{Model, Msg};
use crate::source::Source;
use crate::view::{Theme, draw};
use std::io;
use std::time::{Duration, Instant};

/// The screen is drawn no oftener than this.
const FRAME: Duration = Duration::from_millis(70);
/// How long lines are read before the user is looked after again.
const READING: Duration = Duration::from_millis(40);

/// Input, lines and time in one loop, until the user has had enough.
pub(super) fn run(source: &Source, color: bool) -> io::Result<Closed> {
    let mut session = Session::open(color)?;
    let closed = watch(&mut session, source, Theme::new(color));
    // A terminal that went away with a signal fails every write; the signal is what happened.
    match session.signal() {
        Some(signal) => Ok(Closed::Signal(signal)),
        None => closed.map(|()| Closed::Done),
    }
}

fn watch(session: &mut Session, source: &Source, theme: Theme) -> io::Result<()> {
    let begun = Instant::now();
    let mut model = Model::new(source.header.clone(), source.origin.clone());
    let mut drawn: Option<Instant> = None;
    let mut changed = true;
    let mut behind = true;
    loop {
        let since_drawn = drawn.map_or(FRAME, |drawn| drawn.elapsed());
        let mut wait = if behind {
            Duration::ZERO
        } else {
            FRAME.saturating_sub(since_drawn).max(Duration::from_millis(5))
        };
        while let Some(input) = session.input(wait)? {
            if let Input::Key(key) = input {
                model.update(Msg::Key(key), begun.elapsed());
            }
            changed = true;
            wait = Duration::ZERO;
        }
        if model.quit || session.signal().is_some() {
            return Ok(());
        }
        behind = read(source, &mut model, begun, &mut changed);
        let due = drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
        let moved = model.moves_every().is_some_and(|pace| drawn.is_none_or(|drawn| drawn.elapsed() >= pace));
        if due && (changed || moved) {
            model.settle();
            session.draw(|frame| draw(frame, &model, theme, begun.elapsed()))?;
            drawn = Some(Instant::now());
            changed = false;
        }
    }
}

/// Takes in the lines that wait; whether more do.
fn read(source: &Source, model: &mut Model, begun: Instant, changed: &mut bool) -> bool {
    let until = Instant::now() + READING;
    while let Ok(message) = source.messages.try_recv() {
        model.update(Msg::Source(message), begun.elapsed());
        *changed = true;
        if Instant::now() >= until {
            return true;
        }
    }
    false
}
