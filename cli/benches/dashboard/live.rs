use crate::made::{HUGE, Made};
use crate::model::{Key, Model, Msg};
use crate::source::{Message, Origin};
use crate::view::{Palette, Theme, draw};
use crate::{FRAMES, HEIGHT, WIDTH, ms, resident, taken};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use stallscope_wire::Line;
use std::time::Duration;

/// Seconds before anything is measured: a minute is looked back on.
const BEFORE: u32 = 90;
/// Seconds that are measured.
const MEASURED: u32 = 20;
/// The screens, by the keys that lead there from the first.
const SCREENS: [(&str, &[Key]); 5] = [
    ("overview", &[]),
    ("a finding", &[Key::Enter]),
    ("stalls", &[Key::Char('2')]),
    ("tasks", &[Key::Char('3')]),
    ("sockets", &[Key::Char('5')]),
];

/// What a live view of the largest process takes of one core.
pub(crate) fn measure() {
    println!(
        "Live view of {} spawn locations, {} sockets, {} workers, {} routes, {} stalls a second; {WIDTH}x{HEIGHT}",
        HUGE.locations, HUGE.sockets, HUGE.workers, HUGE.routes, HUGE.stalls_a_second
    );
    println!(
        "milliseconds of processor time in each second; taken in with the text that is kept to look back\n"
    );
    println!(
        "{:>12} {:>10} {:>10} {:>10} {:>10} {:>12} {:>12}",
        "screen", "reading", "taking in", "settling", "drawing", "of a core", "memory"
    );
    for (name, keys) in SCREENS {
        let before = resident();
        let mut watched = Watched::new();
        for key in keys {
            watched.model.update(Msg::Key(*key), watched.ours);
        }
        let mut sum = Times::default();
        for _ in 0..MEASURED {
            sum.add(&watched.second());
        }
        let each = |time: Duration| ms(time) / f64::from(MEASURED);
        let all = each(sum.reading + sum.taking_in + sum.settling + sum.drawing);
        let grown = resident().saturating_sub(before) >> 20;
        println!(
            "{name:>12} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>10.1} % {grown:>8} MiB",
            each(sum.reading),
            each(sum.taking_in),
            each(sum.settling),
            each(sum.drawing),
            all / 10.0
        );
    }
    println!();
}

#[derive(Debug, Default)]
struct Times {
    reading: Duration,
    taking_in: Duration,
    settling: Duration,
    drawing: Duration,
}

impl Times {
    fn add(&mut self, more: &Self) {
        self.reading += more.reading;
        self.taking_in += more.taking_in;
        self.settling += more.settling;
        self.drawing += more.drawing;
    }
}

struct Watched {
    made: Made,
    model: Model,
    terminal: Terminal<TestBackend>,
    ours: Duration,
}

impl Watched {
    fn new() -> Self {
        let made = Made::new(HUGE);
        let model = Model::new(made.header(), Origin::Live("4242.sock".into()));
        let terminal = Terminal::new(TestBackend::new(WIDTH, HEIGHT)).expect("it needs no terminal");
        let mut watched = Self { made, model, terminal, ours: Duration::ZERO };
        for _ in 0..BEFORE {
            watched.ours += Duration::from_secs(1);
            for line in watched.made.second() {
                watched.model.apply(line, watched.ours);
            }
        }
        watched.model.settle();
        watched
    }

    /// One second: its lines come a few with each frame, as they are written.
    fn second(&mut self) -> Times {
        let lines = self.made.second();
        let texts: Vec<_> = lines.iter().map(Line::encode).collect();
        drop(lines);
        let mut times = Times::default();
        let mut read = 0;
        for frame in 1..=FRAMES as usize {
            self.ours += Duration::from_secs(1) / FRAMES;
            let until = texts.len() * frame / FRAMES as usize;
            for text in &texts[read..until] {
                let (reading, line) = taken(|| Line::decode(text).expect("it is a line"));
                let (taking_in, ()) = taken(|| {
                    let message = Message::Line(Box::new(line), text.clone());
                    self.model.update(Msg::Source(0, message), self.ours);
                });
                times.reading += reading;
                times.taking_in += taking_in;
            }
            read = until;
            let (settling, ()) = taken(|| self.model.settle());
            let (drawing, drawn) = taken(|| {
                self.terminal
                    .draw(|frame| {
                        draw(frame, &self.model, Theme::new(Palette::default(), true, false), self.ours);
                    })
                    .map(|_| ())
            });
            drawn.expect("nothing can fail");
            times.settling += settling;
            times.drawing += drawing;
        }
        times
    }
}
