use super::terminal::{Input, Session};
use super::{Closed, Remark, editor, export, sources};
use crate::model::{Effect, Model, Msg, Notice, Spots, Tape};
use crate::settings::Settings;
use crate::source::{Feed, Source};
use crate::view::draw;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, io};

/// The screen is drawn no oftener than this.
const FRAME: Duration = Duration::from_millis(70);
/// How long lines are read before the user is looked after again.
const READING: Duration = Duration::from_millis(40);

/// Input, lines and time in one loop, until the user has had enough.
pub(super) fn run(
    mut feed: Feed<'_>,
    remark: Remark<'_>,
    color: bool,
    settings: &Settings,
) -> io::Result<Closed> {
    let mut session = Session::open(color, settings.mouse)?;
    let closed = watch(&mut session, &mut feed, remark, color, settings);
    // A terminal that went away with a signal fails every write; the signal is what happened.
    match session.signal() {
        Some(signal) => Ok(Closed::Signal(signal)),
        None => closed.map(|()| Closed::Done),
    }
}

fn watch(
    session: &mut Session,
    feed: &mut Feed<'_>,
    remark: Remark<'_>,
    color: bool,
    settings: &Settings,
) -> io::Result<()> {
    let theme = settings.theme(color);
    let begun = Instant::now();
    let Some(mut model) = model(feed.given()) else { return Ok(()) };
    model.keys = settings.keys.clone();
    let mut drawn: Option<Instant> = None;
    let mut changed = true;
    let mut behind = true;
    loop {
        let since_drawn = drawn.map_or(FRAME, |drawn| drawn.elapsed());
        let mut wait = if behind { Duration::ZERO } else { rest(&model, changed, since_drawn) };
        while let Some(input) = session.input(wait)? {
            match input {
                Input::Key(key) => model.update(Msg::Key(key), begun.elapsed()),
                Input::Mouse(mouse) => model.update(Msg::Mouse(mouse), begun.elapsed()),
                Input::Redraw => {}
            }
            if let Some(request) = model.request()
                && let Err(error) = feed.ask(model.number(), &request)
            {
                model.refuse(&error.to_string());
            }
            while let Some(effect) = model.effect() {
                model.notice = perform(session, effect)?;
            }
            changed = true;
            wait = Duration::ZERO;
        }
        if model.quit || session.signal().is_some() {
            return Ok(());
        }
        while let Some((number, source)) = feed.arrival() {
            model.come(number, source.header.clone(), source.origin.clone(), begun.elapsed());
            changed = true;
        }
        model.forget().into_iter().for_each(|number| feed.close(number));
        behind = read(feed, &mut model, begun, &mut changed);
        let due = drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
        let moved = model
            .moves_every(begun.elapsed())
            .is_some_and(|pace| drawn.is_none_or(|drawn| drawn.elapsed() >= pace));
        if due && (changed || moved) {
            model.remark = remark();
            model.advance(begun.elapsed());
            model.settle();
            while let Some(place) = model.wanted_lines(begun.elapsed()) {
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

/// Does what the user wants done outside of the dashboard, and what there is to say of it.
fn perform(session: &mut Session, effect: Effect) -> io::Result<Option<Notice>> {
    Ok(match effect {
        Effect::Copy(text) => {
            session.copy(&text)?;
            Some(Notice::done(format!("copied, if your terminal takes it: {text}")))
        }
        Effect::Write(written) => Some(match env::current_dir() {
            Ok(folder) => export::write(&folder, &written),
            Err(error) => Notice::failed(format!("nothing was written: no current folder: {error}")),
        }),
        Effect::Edit(place) => match editor::command(&place) {
            Ok(mut command) => {
                let ended = session.lend(|| command.status())?;
                editor::failure(ended).map(Notice::failed)
            }
            Err(why) => Some(Notice::failed(why)),
        },
    })
}

/// For how long there is nothing to do but to wait for the user, who is heard at once.
fn rest(model: &Model, changed: bool, since_drawn: Duration) -> Duration {
    if changed {
        return FRAME.saturating_sub(since_drawn);
    }
    // Of a process that has ended no line comes any more; only signals are looked for, unless its past is played.
    let still = !model.any_runs() && model.moves_every(Duration::ZERO).is_none();
    if still { 4 * FRAME } else { FRAME }
}

/// What is shown of the sources of the beginning, the first of them at first; nothing where there is none.
fn model(sources: &[Source]) -> Option<Model> {
    let (first, others) = sources.split_first()?;
    let mut model = Model::new(first.header.clone(), first.origin.clone());
    prepare(&mut model.tape, first);
    for (number, source) in others.iter().enumerate() {
        prepare(model.add(number + 1, source.header.clone(), source.origin.clone()), source);
    }
    Some(model)
}

fn prepare(tape: &mut Tape, source: &Source) {
    if let Some(recording) = &source.recording {
        tape.set_recording(Arc::clone(recording));
    }
    if source.play {
        tape.play();
    }
}

/// Takes in the lines that wait, from each source in turn; whether more do.
fn read(feed: &Feed<'_>, model: &mut Model, begun: Instant, changed: &mut bool) -> bool {
    let until = Instant::now() + READING;
    let numbers = model.numbers();
    loop {
        let mut any = false;
        for &number in &numbers {
            if let Some(message) = feed.next(number) {
                model.update(Msg::Source(number, message), begun.elapsed());
                (any, *changed) = (true, true);
            }
        }
        if !any || Instant::now() >= until {
            return any;
        }
    }
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
