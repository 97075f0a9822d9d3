use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;

/// A character's cell, in pixels.
const WIDE: f32 = 8.4;
const HIGH: f32 = 18.0;
/// From the edge to the first cell, and from a cell's top to the line that letters stand on.
const EDGE: f32 = 16.0;
const BASE: f32 = 13.5;
/// What a terminal has where nothing is said of the colour.
const GROUND: Rgb = Rgb(0x11, 0x15, 0x1c);
const TEXT: Rgb = Rgb(0xc9, 0xd1, 0xd9);
const FONT: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/// A screen as an SVG picture of a dark terminal, under this title for those who cannot see it.
pub(crate) fn picture(buffer: &Buffer, title: &str) -> String {
    let width = f32::from(buffer.area.width) * WIDE + 2.0 * EDGE;
    let height = f32::from(buffer.area.height) * HIGH + 2.0 * EDGE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" font-family=\"{FONT}\" font-size=\"14\" xml:space=\"preserve\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{}\"/>\n",
        escaped(title),
        GROUND.hex()
    );
    for y in 0..buffer.area.height {
        let row: Vec<_> = (0..buffer.area.width).map(|x| Look::of(&buffer[(x, y)])).collect();
        let top = f32::from(y) * HIGH + EDGE;
        for (x, run) in runs(&row, |look| look.ground) {
            if run[0].ground != GROUND {
                rect(&mut svg, (x, top), (run.len(), HIGH), run[0].ground, 1.0);
            }
        }
        for (x, run) in runs(&row, |look| (look.shape, look.ink)) {
            if let Shape::Block { from, to, shade } = run[0].shape {
                let (at, size) = ((x, top + from * HIGH), (run.len(), (to - from) * HIGH));
                rect(&mut svg, at, size, run[0].ink, shade);
            } else if let Shape::Side { from, to } = run[0].shape {
                for i in 0..run.len() {
                    side(&mut svg, (x + i, top), (from, to), run[0].ink);
                }
            }
        }
        for (x, run) in runs(&row, |look| (look.shape == Shape::Text, look.ink, look.style)) {
            if run[0].shape == Shape::Text {
                text(&mut svg, (x, top), run);
            }
        }
    }
    svg + "</svg>\n"
}

/// What a cell looks like.
#[derive(Debug, Clone, PartialEq)]
struct Look {
    symbol: String,
    shape: Shape,
    ink: Rgb,
    ground: Rgb,
    style: Modifier,
}

/// How a character is drawn: blocks as what they are, since fonts leave gaps between them.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Text,
    Empty,
    /// All of the width, from and to these parts of the height.
    Block {
        from: f32,
        to: f32,
        shade: f32,
    },
    /// All of the height, from and to these parts of the width.
    Side {
        from: f32,
        to: f32,
    },
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let ground_of = |color| if color == Color::Red { Rgb(0xb3, 0x30, 0x2c) } else { rgb(color, GROUND) };
        let (mut ink, mut ground) = (rgb(cell.fg, TEXT), ground_of(cell.bg));
        if cell.modifier.contains(Modifier::REVERSED) {
            (ink, ground) = (ground, ink);
        }
        if cell.modifier.contains(Modifier::DIM) {
            ink = ink.toward(ground);
        }
        let symbol = cell.symbol().to_owned();
        let style = cell.modifier & (Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED);
        let plain = symbol.trim().is_empty() && !style.contains(Modifier::UNDERLINED);
        let shape = if plain { Shape::Empty } else { Shape::of(&symbol) };
        Self { symbol, shape, ink, ground, style }
    }
}

impl Shape {
    fn of(symbol: &str) -> Self {
        let mut chars = symbol.chars();
        let (Some(c), None) = (chars.next(), chars.next()) else { return Self::Text };
        let eighths = |first: char| (u32::from(c) - u32::from(first) + 1) as f32 / 8.0;
        match c {
            '\u{2581}'..='\u{2588}' => Self::Block { from: 1.0 - eighths('\u{2581}'), to: 1.0, shade: 1.0 },
            '\u{2580}' => Self::Block { from: 0.0, to: 0.5, shade: 1.0 },
            '\u{2591}'..='\u{2593}' => Self::Block { from: 0.0, to: 1.0, shade: eighths('\u{2591}') * 2.0 },
            '\u{2589}'..='\u{258f}' => Self::Side { from: 0.0, to: 1.0 - eighths('\u{2589}') },
            '\u{2590}' => Self::Side { from: 0.5, to: 1.0 },
            _ => Self::Text,
        }
    }
}

/// Neighbours that are alike, each with the column of its first.
fn runs<K: PartialEq>(row: &[Look], key: impl Fn(&Look) -> K) -> impl Iterator<Item = (usize, &[Look])> {
    let mut x = 0;
    row.chunk_by(move |a, b| key(a) == key(b)).map(move |run| {
        x += run.len();
        (x - run.len(), run)
    })
}

fn left(x: usize) -> f32 {
    x as f32 * WIDE + EDGE
}

fn rect(svg: &mut String, (x, y): (usize, f32), (cells, height): (usize, f32), fill: Rgb, shade: f32) {
    let (x, width, fill) = (left(x), cells as f32 * WIDE, fill.hex());
    let shade = if shade < 1.0 { format!(" opacity=\"{shade}\"") } else { String::new() };
    // Writing to a text does not fail.
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.2}\" width=\"{width:.1}\" height=\"{height:.2}\" fill=\"{fill}\"{shade}/>"
    );
}

fn side(svg: &mut String, (x, y): (usize, f32), (from, to): (f32, f32), fill: Rgb) {
    let (x, width, fill) = (left(x) + from * WIDE, (to - from) * WIDE, fill.hex());
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{HIGH:.2}\" fill=\"{fill}\"/>"
    );
}

/// Held to the cells, whatever font there is.
fn text(svg: &mut String, (x, y): (usize, f32), run: &[Look]) {
    let (x, y, width) = (left(x), y + BASE, run.len() as f32 * WIDE);
    let (fill, style) = (run[0].ink.hex(), run[0].style);
    let mut more = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
    ] {
        more += if style.contains(modifier) { attribute } else { "" };
    }
    let letters: String = run.iter().map(|look| escaped(&look.symbol)).collect();
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.2}\" textLength=\"{width:.1}\" fill=\"{fill}\"{more}>{letters}</text>"
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

impl Rgb {
    fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// As terminals dim a text: halfway to what is behind it.
    fn toward(self, other: Self) -> Self {
        Self(u8::midpoint(self.0, other.0), u8::midpoint(self.1, other.1), u8::midpoint(self.2, other.2))
    }
}

/// The sixteen colours as a dark terminal has them; the others are defined.
fn rgb(color: Color, default: Rgb) -> Rgb {
    match color {
        Color::Reset => default,
        Color::Rgb(r, g, b) => Rgb(r, g, b),
        Color::Indexed(index) => indexed(index),
        Color::Black => indexed(0),
        Color::Red => indexed(1),
        Color::Green => indexed(2),
        Color::Yellow => indexed(3),
        Color::Blue => indexed(4),
        Color::Magenta => indexed(5),
        Color::Cyan => indexed(6),
        Color::Gray => indexed(7),
        Color::DarkGray => indexed(8),
        Color::LightRed => indexed(9),
        Color::LightGreen => indexed(10),
        Color::LightYellow => indexed(11),
        Color::LightBlue => indexed(12),
        Color::LightMagenta => indexed(13),
        Color::LightCyan => indexed(14),
        Color::White => indexed(15),
    }
}

fn indexed(index: u8) -> Rgb {
    const SIXTEEN: [Rgb; 16] = [
        GROUND,
        Rgb(0xff, 0x7b, 0x72),
        Rgb(0x56, 0xd3, 0x64),
        Rgb(0xe3, 0xb3, 0x41),
        Rgb(0x79, 0xc0, 0xff),
        Rgb(0xd2, 0xa8, 0xff),
        Rgb(0x76, 0xe3, 0xea),
        Rgb(0xb1, 0xba, 0xc4),
        Rgb(0x6e, 0x76, 0x81),
        Rgb(0xff, 0xa1, 0x98),
        Rgb(0x7e, 0xe7, 0x87),
        Rgb(0xf2, 0xcc, 0x60),
        Rgb(0xa5, 0xd6, 0xff),
        Rgb(0xe2, 0xc5, 0xff),
        Rgb(0xb3, 0xf0, 0xff),
        Rgb(0xf0, 0xf6, 0xfc),
    ];
    let step = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
    match index {
        0..16 => SIXTEEN[usize::from(index)],
        16..232 => Rgb(step((index - 16) / 36), step((index - 16) / 6 % 6), step((index - 16) % 6)),
        232.. => {
            let grey = 8 + 10 * (index - 232);
            Rgb(grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn drawn(text: &str, style: Style) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
        buffer.set_string(1, 1, text, style);
        picture(&buffer, "a <screen>")
    }

    #[test]
    fn text_stands_in_its_cells_in_its_colours() {
        let svg = drawn("a<b", Style::new().fg(Color::Red).bg(Color::Blue).add_modifier(Modifier::BOLD));
        let ground = "<rect x=\"24.4\" y=\"34.00\" width=\"25.2\" height=\"18.00\" fill=\"#79c0ff\"/>";
        let text = "<text x=\"24.4\" y=\"47.50\" textLength=\"25.2\" fill=\"#ff7b72\" font-weight=\"bold\">a&lt;b</text>";
        assert!(svg.contains(ground) && svg.contains(text), "{svg}");
        assert!(
            svg.contains("viewBox=\"0 0 116 68\"") && svg.contains("<title>a &lt;screen&gt;</title>"),
            "{svg}"
        );
    }

    #[test]
    fn what_is_reversed_or_dim_is_so() {
        let reversed = drawn("x", Style::new().add_modifier(Modifier::REVERSED));
        assert!(
            reversed.contains("height=\"18.00\" fill=\"#c9d1d9\"") && reversed.contains("fill=\"#11151c\">x")
        );
        assert!(drawn("x", Style::new().add_modifier(Modifier::DIM)).contains("fill=\"#6d737a\">x"));
    }

    #[test]
    fn blocks_are_drawn_without_gaps() {
        let svg = drawn("▄▄█", Style::new().fg(Color::Green));
        assert!(
            svg.contains("<rect x=\"24.4\" y=\"43.00\" width=\"16.8\" height=\"9.00\" fill=\"#56d364\"/>"),
            "{svg}"
        );
        assert!(
            svg.contains("<rect x=\"41.2\" y=\"34.00\" width=\"8.4\" height=\"18.00\" fill=\"#56d364\"/>"),
            "{svg}"
        );
        assert!(!svg.contains("<text"), "{svg}");
    }

    #[test]
    fn colours_by_number_are_as_defined() {
        assert_eq!(
            (indexed(16), indexed(196), indexed(231)),
            (Rgb(0, 0, 0), Rgb(255, 0, 0), Rgb(255, 255, 255))
        );
        assert_eq!(indexed(244), Rgb(128, 128, 128));
    }
}
