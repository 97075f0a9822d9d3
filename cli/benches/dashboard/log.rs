use crate::made::{SERVICE, log};
use crate::model::{Key, Model, Msg};
use crate::source::{Message, Source, Target};
use crate::view::{Palette, Theme, draw};
use crate::{HEIGHT, WIDTH, ms, resident, spread};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BYTES: usize = 64 << 20;
/// Keys that are pressed one after the other, a screen drawn after each.
const STEPS: usize = 60;

/// How long a large log takes to open, and to show another time.
pub(crate) fn measure() {
    let text = log(SERVICE, BYTES);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("made.jsonl");
    std::fs::write(&path, &text).expect("there is room");
    println!(
        "A log of {} MiB, {} lines; elapsed milliseconds\n",
        text.len() >> 20,
        text.iter().filter(|&&letter| letter == b'\n').count()
    );
    drop(text);
    let before = resident();
    let mut opened = Vec::new();
    let mut last: Option<Screen> = None;
    for _ in 0..3 {
        drop(last.take());
        let begun = Instant::now();
        let mut screen = Screen::open(&Target::Path(path.clone()));
        screen.draw();
        opened.push(begun.elapsed());
        last = Some(screen);
    }
    let (median, longest) = spread(opened);
    println!("{:>28} {median:>8.0}, at most {longest:.0}", "to its last state");
    let mut screen = last.expect("it was opened");
    println!(
        "{:>28} {:>8} MiB more than before it",
        "memory, opened:",
        resident().saturating_sub(before) >> 20
    );
    for (name, key) in [
        ("10 s back", Key::ShiftLeft),
        ("1 s back", Key::Left),
        ("1 s on", Key::Right),
        ("10 s on", Key::ShiftRight),
        ("to the stall before", Key::Char('[')),
        ("to the next stall", Key::Char(']')),
    ] {
        let times = (0..STEPS).map(|_| screen.press(key)).collect();
        let (median, longest) = spread(times);
        println!("{name:>28} {median:>8.1}, at most {longest:.1}");
    }
    let jumps = (0..STEPS as u64).map(|nth| screen.jump(nth * 7_919 % 1_000)).collect();
    let (median, longest) = spread(jumps);
    println!("{:>28} {median:>8.1}, at most {longest:.1}", "anywhere");
    let played = screen.play();
    let (median, longest) = spread(played);
    println!("{:>28} {median:>8.1}, at most {longest:.1}", "a frame, played x128");
}

struct Screen {
    model: Model,
    terminal: Terminal<TestBackend>,
    ours: Duration,
}

impl Screen {
    /// Reads the log to its end.
    fn open(target: &Target) -> Self {
        let source = Source::open(target).expect("it is a log");
        let mut model = Model::new(source.header.clone(), source.origin.clone());
        if let Some(recording) = &source.recording {
            model.tape.set_recording(Arc::clone(recording));
        }
        let terminal = Terminal::new(TestBackend::new(WIDTH, HEIGHT)).expect("it needs no terminal");
        for message in &source.messages {
            assert!(!matches!(message, Message::Failed(_)), "{message:?}");
            model.update(Msg::Source(0, message), Duration::ZERO);
        }
        Self { model, terminal, ours: Duration::ZERO }
    }

    fn draw(&mut self) {
        self.model.settle();
        let (model, ours) = (&self.model, self.ours);
        let drawn = self.terminal.draw(|frame| {
            draw(frame, model, Theme::new(Palette::default(), true, false), ours);
        });
        drawn.expect("nothing can fail");
    }

    fn press(&mut self, key: Key) -> Duration {
        let begun = Instant::now();
        self.model.update(Msg::Key(key), self.ours);
        self.draw();
        begun.elapsed()
    }

    /// Goes to a time, in thousandths of all of it.
    fn jump(&mut self, permille: u64) -> Duration {
        let begun = Instant::now();
        let (from_ns, to_ns) = self.model.tape.span(self.ours);
        self.model.tape.go(from_ns + (to_ns - from_ns) / 1_000 * permille, self.ours);
        self.draw();
        let took = begun.elapsed();
        assert!(ms(took) < 60_000.0);
        took
    }

    /// Frames of what is played as fast as it can be, from the beginning.
    fn play(&mut self) -> Vec<Duration> {
        self.model.tape.go(0, self.ours);
        for _ in 0..8 {
            self.model.update(Msg::Key(Key::Char('>')), self.ours);
        }
        let frame = |_| {
            self.ours += Duration::from_millis(100);
            let begun = Instant::now();
            self.model.advance(self.ours);
            self.draw();
            begun.elapsed()
        };
        (0..STEPS).map(frame).collect()
    }
}
