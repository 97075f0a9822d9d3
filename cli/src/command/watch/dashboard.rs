use super::terminal::{Input, Session};
use super::{Closed, Remark, sources};
use crate::color::is_utf8;
use crate::model::{Model, Msg, Spots};
use crate::source::Source;
use crate::view::{Palette, Theme, draw};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The screen is drawn no oftener than this.
const FRAME: Duration = Duration::from_millis(70);
/// How long lines are read before the user is looked after again.
const READING: Duration = Duration::from_millis(40);

/// Input, lines and time in one loop, until the user has had enough.
pub(super) fn run(source: &Source, remark: Remark<'_>, color: bool) -> io::Result<Closed> {
    let mut session = Session::open(color)?;
    let closed = watch(&mut session, source, remark, Theme::new(Palette::default(), color, !is_utf8()));
    // A terminal that went away with a signal fails every write; the signal is what happened.
    match session.signal() {
        Some(signal) => Ok(Closed::Signal(signal)),
        None => closed.map(|()| Closed::Done),
    }
}

fn watch(session: &mut Session, source: &Source, remark: Remark<'_>, theme: Theme) -> io::Result<()> {
    let begun = Instant::now();
    let mut model = Model::new(source.header.clone(), source.origin.clone());
    if let Some(recording) = &source.recording {
        model.tape.set_recording(Arc::clone(recording));
    }
    if source.play {
        model.tape.play();
    }
    let mut drawn: Option<Instant> = None;
    let mut changed = true;
    let mut behind = true;
    loop {
        let since_drawn = drawn.map_or(FRAME, |drawn| drawn.elapsed());
        let mut wait = if behind { Duration::ZERO } else { rest(&model, changed, since_drawn) };
        while let Some(input) = session.input(wait)? {
            if let Input::Key(key) = input {
                model.update(Msg::Key(key), begun.elapsed());
                if let Some(request) = model.request()
                    && let Err(error) = source.ask(&request)
                {
                    model.refuse(&error.to_string());
                }
            }
            changed = true;
            wait = Duration::ZERO;
        }
        if model.quit || session.signal().is_some() {
            return Ok(());
        }
        behind = read(source, &mut model, begun, &mut changed);
        let due = drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
        let moved = model
            .moves_every(begun.elapsed())
            .is_some_and(|pace| drawn.is_none_or(|drawn| drawn.elapsed() >= pace));
        if due && (changed || moved) {
            model.remark = remark();
            model.advance(begun.elapsed());
            model.settle();
            if let Some(place) = model.wanted_lines(begun.elapsed()) {
                let excerpt = sources::read(&place);
                model.update(Msg::Excerpt(Box::new(place), excerpt), begun.elapsed());
            }
            let mut spots = Spots::default();
            session.draw(|frame| spots = draw(frame, &model, theme, begun.elapsed()))?;
            model.drawn(spots);
            drawn = Some(Instant::now());
            changed = false;
        }
    }
}

/// For how long there is nothing to do but to wait for the user, who is heard at once.
fn rest(model: &Model, changed: bool, since_drawn: Duration) -> Duration {
    if changed {
        return FRAME.saturating_sub(since_drawn);
    }
    // Of a process that has ended no line comes any more; only signals are looked for, unless its past is played.
    let still = model.process().conclusion.is_some() && model.moves_every(Duration::ZERO).is_none();
    if still { 4 * FRAME } else { FRAME }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::source::Ending;

    #[test]
    fn what_does_not_change_is_not_looked_at_oftener_than_a_frame() {
        let (long_ago, just_now) = (Duration::from_secs(60), FRAME / 2);
        let live = Scenario::new().quiet(1).live().model;
        assert!(rest(&live, false, long_ago) >= FRAME);
        assert_eq!(rest(&live, true, just_now), FRAME - just_now, "a change is drawn as soon as it may be");
        let ended = Scenario::new().quiet(1).logged(Ending::Orderly).model;
        assert!(rest(&ended, false, long_ago) > FRAME);
    }
}
