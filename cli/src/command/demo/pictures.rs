use super::super::watch::sources;
use crate::failure::Failure;
use crate::model::{Key, Model, Msg};
use crate::report::Target;
use crate::source::Source;
use crate::view::{Palette, Theme, draw, picture};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use stallscope_wire::Line;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a picture is called, what it shows, how many lines it has, and the keys that lead there from the overview. There is none of
/// the screen *Runtime*, which tells where on a machine things are.
const PICTURES: [(&str, &str, u16, &[Key]); 6] = [
    ("dashboard", "the overview of a server whose workers are blocked", 32, &[]),
    ("stall", "a stall with its source lines and its stack", 40, &[Key::Char('2'), Key::Enter]),
    ("tasks", "tasks by the line that spawned them", 24, &[Key::Char('3')]),
    ("handlers", "the latency of handlers", 24, &[Key::Char('4')]),
    ("sockets", "open sockets", 24, &[Key::Char('5')]),
    ("workers", "what the workers did within the last minute", 24, &[Key::Char('6')]),
];
const BACK: [Key; 3] = [Key::Esc, Key::Esc, Key::Char('1')];
/// In characters.
const WIDTH: u16 = 120;

/// The dashboard as it is when things are worst, for pictures.
#[derive(Debug)]
pub(super) struct Pictures {
    folder: PathBuf,
    model: Model,
    begun: Instant,
    /// How bad it was when they were taken, and the pictures.
    taken: Option<(Badness, Vec<(&'static str, String)>)>,
}

/// Threads that are blocked, who waits for them, and for how long they have been blocked.
type Badness = (usize, u64, u64);

impl Pictures {
    /// Takes none yet.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(super) fn new(folder: &Path, source: &Source) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| {
            Failure::usage(format_args!("cannot make the folder {}: {error}", folder.display()))
        })?;
        let model = Model::new(source.header.clone(), source.origin.clone());
        Ok(Self { folder: folder.to_owned(), model, begun: Instant::now(), taken: None })
    }

    /// Takes in the server's next line.
    pub(super) fn apply(&mut self, line: &Line) {
        self.model.apply(line.clone(), self.begun.elapsed());
    }

    /// Takes the pictures, if it was never worse than now. To be called when no line waits: else they would show what was.
    pub(super) fn look(&mut self) -> Result<(), Failure> {
        let now = self.badness();
        if now.0 == 0 || self.taken.as_ref().is_some_and(|(worst, _)| *worst > now) {
            return Ok(());
        }
        // The time of all of them, however long the drawing takes.
        let ours = self.begun.elapsed();
        let pictures: io::Result<Vec<_>> = PICTURES
            .iter()
            .map(|&(name, title, lines, keys)| Ok((name, self.take(title, lines, keys, ours)?)))
            .collect();
        let pictures =
            pictures.map_err(|error| Failure::internal(format_args!("cannot draw a screen: {error}")))?;
        self.taken = Some((now, pictures));
        Ok(())
    }

    fn badness(&self) -> Badness {
        let ongoing: Vec<_> = self.model.process().ongoing().map(|record| &record.stall).collect();
        let waiting = ongoing.iter().map(|stall| stall.victims.count()).sum();
        (ongoing.len(), waiting, ongoing.iter().map(|stall| stall.duration_ns).max().unwrap_or(0))
    }

    fn take(&mut self, title: &str, lines: u16, keys: &[Key], ours: Duration) -> io::Result<String> {
        let mut terminal = Terminal::new(TestBackend::new(WIDTH, lines)).map_err(io::Error::other)?;
        for &key in keys {
            self.settle(ours);
            self.model.update(Msg::Key(key), ours);
        }
        self.settle(ours);
        // Twice: what was drawn says how many rows there is room for.
        for _ in 0..2 {
            let mut spots = None;
            let drawn = |frame: &mut ratatui::Frame<'_>| {
                spots = Some(draw(frame, &self.model, Theme::new(Palette::Dark, true, false), ours));
            };
            terminal.draw(drawn).map_err(io::Error::other)?;
            if let Some(spots) = spots {
                self.model.drawn(spots);
            }
        }
        BACK.iter().for_each(|&key| self.model.update(Msg::Key(key), ours));
        Ok(picture(terminal.backend().buffer(), title))
    }

    fn settle(&mut self, ours: Duration) {
        self.model.advance(ours);
        self.model.settle();
        if let Some(place) = self.model.wanted_lines(ours) {
            let excerpt = sources::read(&place);
            self.model.update(Msg::Excerpt(Box::new(place), excerpt), ours);
        }
    }

    /// Writes them, each into a file of its own.
    pub(super) fn write(self) -> Result<(), Failure> {
        let Some((_, pictures)) = self.taken else {
            return Err(Failure::internal("nothing was blocked, so there is nothing to take a picture of"));
        };
        for (name, picture) in &pictures {
            let path = self.folder.join(name).with_extension("svg");
            let written =
                Target::new(&path).and_then(|file| file.write(|out| out.write_all(picture.as_bytes())));
            written.map_err(|error| {
                Failure::internal(format_args!("cannot write the picture {}: {error}", path.display()))
            })?;
        }
        let count = pictures.len();
        // Talk, not data: nothing depends on it.
        let _ = writeln!(io::stderr(), "{count} pictures are written to {}", self.folder.display());
        Ok(())
    }
}
