use ratatui::layout::Rect;

/// From this width on, panes stand side by side below the findings too.
const WIDE: u16 = 110;
/// Below this width the lag and the workers cannot share a line.
const NARROW: u16 = 56;
/// From this height on there is a line for the names of the screens.
const TABS: u16 = 18;
/// Between two panes.
const GAP: u16 = 2;

/// Where everything is. A pane without room has an area of no height.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Layout {
    pub(super) header: Rect,
    /// The names of the screens; a small terminal has no room for them.
    pub(super) tabs: Rect,
    pub(super) health: Rect,
    pub(super) notes: Rect,
    /// All between the notes and the bottom line.
    pub(super) body: Rect,
    pub(super) lag: Rect,
    pub(super) workers: Rect,
    pub(super) findings: Rect,
    pub(super) handlers: Rect,
    pub(super) sockets: Rect,
    pub(super) footer: Rect,
}

impl Layout {
    /// `notes` is how many lines are to be told of what is not seen.
    pub(super) fn of(screen: Rect, notes: u16) -> Self {
        let mut rest = screen;
        let mut layout = Self { header: cut(&mut rest, 1), ..Self::default() };
        layout.tabs = cut(&mut rest, u16::from(screen.height >= TABS));
        // Two lines whether the sentence needs them or not: nothing jumps when it grows.
        let sentence = if screen.height >= 12 { 2 } else { 1 };
        layout.health = cut(&mut rest, sentence);
        layout.notes = cut(&mut rest, notes);
        if rest.height > 3 {
            let y = rest.bottom() - 1;
            layout.footer = Rect { y, height: 1, ..rest };
            rest.height -= 1;
        }
        layout.body = rest;
        layout.panes(rest);
        layout
    }

    fn panes(&mut self, mut rest: Rect) {
        let (top, bottom) = match rest.height {
            33.. => (10, 10),
            28.. => (9, 8),
            22.. => (7, 8),
            17.. => (6, 7),
            10.. => (5, 0),
            _ => (0, 0),
        };
        if top > 0 && rest.width >= NARROW {
            let (lag, workers) = sides(cut(&mut rest, top), if rest.width >= WIDE { 50 } else { 44 });
            (self.lag, self.workers) = (lag, workers);
        } else if top > 0 {
            self.workers = cut(&mut rest, top.min(4));
        }
        if bottom > 0 {
            let mut below = Rect { y: rest.bottom() - bottom, height: bottom, ..rest };
            rest.height -= bottom;
            if rest.width >= WIDE {
                (self.handlers, self.sockets) = sides(below, 60);
            } else {
                self.handlers = cut(&mut below, bottom - 3);
                self.sockets = below;
            }
        }
        self.findings = rest;
    }
}

/// Takes lines from the top of what is left.
fn cut(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let taken = Rect { height, ..*rest };
    rest.y += height;
    rest.height -= height;
    taken
}

fn sides(area: Rect, left_percent: u32) -> (Rect, Rect) {
    let left = (u32::from(area.width) * left_percent / 100) as u16;
    let right = area.width.saturating_sub(left + GAP);
    (Rect { width: left, ..area }, Rect { x: area.x + left + GAP, width: right, ..area })
}
