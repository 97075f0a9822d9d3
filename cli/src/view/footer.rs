use super::fit;
use super::theme::Theme;
use crate::model::{Action, Binding, KEYS, Key, Listed, Model, Prompt, Screen, clock_time};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use stallscope_wire::counted;
use stallscope_wire::duration::show;
use tui_input::Input;

/// Between two hints.
const GAP: usize = 3;

/// What gives way where there is no room for all hints, first of all the first.
const SPARED: [Action; 8] = [
    Action::Back,
    Action::Mode,
    Action::Edit,
    Action::Down,
    Action::Sort,
    Action::Pause,
    Action::Filter,
    Action::NextScreen,
];

/// The bottom line: what is asked, else what there is to say of the last key, else the keys that one needs most; how to get
/// help and out are the last to give way.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, model: &Model, listed: &Listed) {
    let screen = frame.area();
    // Who is asked must see what, on the smallest terminal.
    let bottom = Rect { y: screen.bottom().saturating_sub(1), height: screen.height.min(1), ..screen };
    let area = if area.height == 0 { bottom } else { area };
    let plain = |text: &str, style: Style| {
        let text = fit::end(text, usize::from(area.width).saturating_sub(1)).into_owned();
        Line::from(vec![Span::raw(" "), Span::styled(text, style)])
    };
    match (&model.prompt, &model.notice, model.switching.notice()) {
        (Some(Prompt::Filter(input)), ..) => return draw_filter(frame, theme, area, input, listed),
        (Some(Prompt::Export), ..) => {
            let rows = counted(listed.table.rows.len() as u64, "row");
            let asked =
                format!("write {rows} to a file as   j JSON   c CSV   m Markdown   any other key: no");
            return over(frame, area, plain(&asked, theme.strong()));
        }
        (Some(Prompt::Mode), ..) => {
            let mode = model.process().history.mode();
            let asked = format!("mode, now {mode}   f full   l lean   o off   any other key: leave it");
            return over(frame, area, plain(&asked, theme.strong()));
        }
        (None, Some(notice), _) => {
            let style = if notice.failed { theme.warning() } else { theme.strong() };
            return over(frame, area, plain(&notice.text, style));
        }
        (None, None, Some(notice)) => return over(frame, area, plain(notice, theme.warning())),
        (None, None, None) => {}
    }
    if area != bottom || usize::from(screen.height) > 3 {
        frame.render_widget(hints(theme, area, model, listed), area);
    }
}

/// Nothing of what lies below is seen.
fn over(frame: &mut Frame<'_>, area: Rect, line: Line<'_>) {
    frame.render_widget(ratatui::widgets::Clear, area);
    frame.render_widget(line, area);
}

/// What is typed, with the terminal's own cursor, and how many rows have it.
fn draw_filter(frame: &mut Frame<'_>, theme: Theme, area: Rect, input: &Input, listed: &Listed) {
    let remark =
        format!("{} of {}   Enter keeps it   Esc shows all", listed.table.rows.len(), listed.table.total);
    let width = usize::from(area.width);
    let room = width.saturating_sub(remark.chars().count() + 4);
    // On a narrow terminal what is typed is all there is.
    let (room, remark) = if room >= 10 { (room, remark) } else { (width.saturating_sub(3), String::new()) };
    let scroll = input.visual_scroll(room);
    let shown: String = input.value().chars().skip(scroll).take(room).collect();
    let gap = room.saturating_sub(shown.chars().count()) + 1;
    let line = Line::from(vec![
        Span::styled(" /", theme.strong()),
        Span::raw(shown),
        Span::raw(" ".repeat(gap)),
        Span::styled(remark, theme.dim()),
    ]);
    over(frame, area, line);
    let x = area.x + 2 + input.visual_cursor().saturating_sub(scroll).min(room) as u16;
    if x < area.right() {
        frame.set_cursor_position(Position { x, y: area.y });
    }
}

fn hints(theme: Theme, area: Rect, model: &Model, listed: &Listed) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    let mut room = usize::from(area.width).saturating_sub(1);
    let mut told = Vec::new();
    if let Some(at_ns) = model.tape.counted_since_ns() {
        let time = clock_time(model.process().header().started_unix_ns.saturating_add(at_ns));
        told.push(format!("counted since {time}"));
    }
    if let Some(least_ns) = model.navigation.least_ns.filter(|_| listed.table.short > 0) {
        told.push(format!("{} shorter than {} hidden", listed.table.short, show(least_ns)));
    }
    if !listed.filter.is_empty() {
        told.push(format!("\"{}\": {} of {}", listed.filter, listed.table.rows.len(), listed.table.total));
    }
    if !told.is_empty() && model.navigation.opened.is_none() {
        let told = told.join(", ");
        let told = fit::end(&told, room / 2).into_owned();
        room = room.saturating_sub(told.chars().count() + GAP);
        spans.push(Span::styled(told, theme.warning()));
        spans.push(Span::raw(" ".repeat(GAP)));
    }
    let belonging = KEYS.iter().filter(|binding| belongs(binding.action, model));
    let mut hints: Vec<_> = belonging.filter_map(|binding| hint(binding, model)).collect();
    let width = |hints: &[(Action, String, &str)]| -> usize {
        let each = hints.iter().map(|(_, key, does)| key.chars().count() + does.chars().count() + GAP + 1);
        each.sum::<usize>().saturating_sub(GAP)
    };
    for spared in SPARED {
        if width(&hints) > room {
            hints.retain(|(action, ..)| *action != spared);
        }
    }
    for (_, key, does) in hints {
        spans.push(Span::styled(key, theme.strong()));
        spans.push(Span::styled(format!(" {does}{:GAP$}", ""), theme.dim()));
    }
    Line::from(spans)
}

/// Key and effect; none where it has no key, or is not hinted at.
fn hint(binding: &Binding, model: &Model) -> Option<(Action, String, &'static str)> {
    let keys = model.keys.keys(binding);
    let key = match keys.first()? {
        Key::Down => "↑↓".to_owned(),
        key => key.in_words(),
    };
    binding.hint.map(|does| (binding.action, key, does))
}

/// Whether the key does anything there.
fn belongs(action: Action, model: &Model) -> bool {
    let (opened, screen) = (model.navigation.opened.is_some(), model.navigation.screen);
    match action {
        Action::Sort | Action::Filter => !opened && screen != Screen::Runtime,
        Action::Open => !opened,
        Action::Back => opened || screen != Screen::Overview,
        Action::Edit => matches!(screen, Screen::Overview | Screen::Stalls | Screen::Tasks),
        Action::NextProcess => model.navigation.several,
        _ => true,
    }
}
