use super::Closed;
use super::terminal::{Input, Session};
use crate::model::{Choice, Picker};
use crate::settings::Settings;
use crate::source::{Feed, Finder, Target, Wanted};
use crate::view::draw_picker;
use std::io;
use std::time::{Duration, Instant};

/// Keys are heard, and signals that end the choice are looked for, at this pace.
const PACE: Duration = Duration::from_millis(100);
/// The figures are drawn anew at this pace.
const FRAME: Duration = Duration::from_secs(1);

/// Lets the user choose among the processes that run, while they come and go.
pub(super) fn run(color: bool, settings: &Settings) -> io::Result<Result<Vec<Target>, Closed>> {
    let begun = Instant::now();
    let finder = Finder::start(Wanted { all: true, ..Wanted::default() }, &[])?;
    let mut feed = Feed::of(&[]).with(Some(finder));
    let mut numbers = Vec::new();
    let (mut picker, mut drawn) = (Picker::new(settings.keys.clone()), None::<Instant>);
    let theme = settings.theme(color);
    let mut session = Session::open(color, false)?;
    loop {
        let mut changed = false;
        while let Some((number, source)) = feed.arrival() {
            picker.add(number, source.header.clone(), source.origin.clone());
            numbers.push(number);
            changed = true;
        }
        for &number in &numbers {
            while let Some(message) = feed.next(number) {
                picker.take(number, message, begun.elapsed());
            }
        }
        for ended in picker.settle() {
            feed.close(ended);
            numbers.retain(|&number| number != ended);
            changed = true;
        }
        if changed || drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME) {
            session.draw(|frame| draw_picker(frame, theme, &picker, begun.elapsed()))?;
            drawn = Some(Instant::now());
        }
        if let Some(signal) = session.signal() {
            return Ok(Err(Closed::Signal(signal)));
        }
        let Some(input) = session.input(PACE)? else { continue };
        drawn = None;
        let Input::Key(key) = input else { continue };
        match picker.press(key, begun.elapsed()) {
            Choice::Watch(sockets) => return Ok(Ok(sockets.into_iter().map(Target::Path).collect())),
            Choice::Leave => return Ok(Err(Closed::Done)),
            Choice::Pending => {}
        }
    }
}
