//! What keys and the mouse do to the model.

use super::effect::{Effect, Export, Notice};
use super::excerpts::SourcePlace;
use super::key::{Action, Key};
use super::mouse::{Gesture, Mouse};
use super::prompt::{Prompt, editing};
use super::screen::Screen;
use super::switching::unable;
use super::table::Format;
use super::{Model, threshold};
use crate::failure::clean;
use crate::source::process_name;
use stallscope_wire::Mode;
use stallscope_wire::duration::show;
use std::time::Duration;
use tui_input::Input;

/// Rows that a notch of the wheel moves by.
const NOTCH: usize = 3;

impl Model {
    pub(super) fn press(&mut self, key: Key, ours: Duration) {
        self.switching.forget();
        self.notice = None;
        if key == Key::CtrlC {
            self.quit = true;
        } else if let Some(prompt) = self.prompt.take() {
            self.answer(prompt, key, ours);
        } else if let Some(action) = self.keys.action(key) {
            self.act(action, ours);
        }
    }

    pub(super) fn act(&mut self, action: Action, ours: Duration) {
        match action {
            Action::Quit => self.quit = true,
            // The help covers what these are about.
            Action::Filter | Action::Export | Action::Copy | Action::Edit | Action::Mode
                if self.navigation.help.is_some() => {}
            Action::Filter => self.ask_filter(ours),
            Action::Export => self.ask_format(ours),
            Action::Copy => self.copy(ours),
            Action::Edit => self.edit(ours),
            Action::Longer => self.list_longer(),
            Action::Shorter => self.list_shorter(),
            Action::Reset => self.reset(ours),
            Action::Whole => {
                self.tape.count_all();
                self.notice =
                    Some(Notice::done("all counts since the process's start, as far as they are kept"));
            }
            Action::Mode => self.ask_mode(),
            Action::Screen(Screen::Processes) | Action::NextProcess | Action::PreviousProcess
                if !self.navigation.several && self.navigation.help.is_none() =>
            {
                self.notice = Some(Notice::failed(
                    "there is one process here: watch --all, or more pids, shows several",
                ));
            }
            _ => self.go(action, ours),
        }
    }

    /// Does what a key asks for that was pressed to answer.
    fn answer(&mut self, prompt: Prompt, key: Key, ours: Duration) {
        match prompt {
            Prompt::Filter(input) => self.edit_filter(input, key, ours),
            Prompt::Export => match key {
                Key::Char('j') => self.export(Format::Json, ours),
                Key::Char('c') => self.export(Format::Csv, ours),
                Key::Char('m') => self.export(Format::Markdown, ours),
                _ => self.notice = Some(Notice::done("nothing was written")),
            },
            Prompt::Mode => match key {
                Key::Char('f') => self.switch(Mode::Full),
                Key::Char('l') => self.switch(Mode::Lean),
                Key::Char('o') => self.switch(Mode::Off),
                _ => self.notice = Some(Notice::done("the mode is left as it is")),
            },
        }
    }

    fn ask_filter(&mut self, ours: Duration) {
        if self.has_list(ours) {
            let before = self.navigation.listing().filter.clone();
            self.prompt = Some(Prompt::Filter(Input::new(before)));
        } else {
            self.notice = Some(Notice::failed("there is no list here to filter"));
        }
    }

    fn edit_filter(&mut self, mut input: Input, key: Key, ours: Duration) {
        match key {
            Key::Enter => return,
            Key::Backspace if input.value().is_empty() => return,
            Key::Esc => {
                self.navigation.filter("");
                return;
            }
            Key::Up | Key::Down | Key::PageUp | Key::PageDown => {
                if let Some(action) = self.keys.action(key) {
                    self.go(action, ours);
                }
            }
            _ => {
                if editing(key).and_then(|request| input.handle(request)).is_some_and(|changed| changed.value)
                {
                    self.navigation.filter(input.value());
                }
            }
        }
        self.prompt = Some(Prompt::Filter(input));
    }

    fn ask_format(&mut self, ours: Duration) {
        if self.has_list(ours) {
            self.prompt = Some(Prompt::Export);
        } else {
            self.notice = Some(Notice::failed("there is no list here to write"));
        }
    }

    fn export(&mut self, format: Format, ours: Duration) {
        let table = self.listed(ours).table;
        let header = self.process().header();
        let screen = self.navigation.screen.name().to_lowercase();
        let stem = format!("{}-{}-{screen}", process_name(header), header.pid);
        match table.export(format) {
            Ok(text) => {
                let rows = table.rows.len();
                self.effects.push_back(Effect::Write(Export { stem, format, text, rows }));
            }
            Err(error) => self.notice = Some(Notice::failed(format!("nothing was written: {error}"))),
        }
    }

    /// The line of code that is marked, else the row.
    fn copy(&mut self, ours: Duration) {
        let row = || self.listed(ours).row().map(super::table::Row::in_words);
        match self.place(ours).map(|place| place.to_string()).or_else(row) {
            // It may be pasted into a shell, where a line's end runs what stands before it.
            Some(text) => self.effects.push_back(Effect::Copy(clean(text))),
            None => self.notice = Some(Notice::failed("there is nothing here to copy")),
        }
    }

    fn edit(&mut self, ours: Duration) {
        match self.place(ours) {
            Some(place) => self.effects.push_back(Effect::Edit(place)),
            None => self.notice = Some(Notice::failed("no line of source code is known of this")),
        }
    }

    fn list_longer(&mut self) {
        let own_ns = self.process().header().threshold_ns;
        let least_ns = threshold::next(self.navigation.least_ns.unwrap_or(own_ns));
        self.navigation.least_ns = Some(least_ns);
        self.notice = Some(Notice::done(format!("stalls are listed from {} on", show(least_ns))));
    }

    fn list_shorter(&mut self) {
        let own_ns = self.process().header().threshold_ns;
        let before = self.navigation.least_ns;
        self.navigation.least_ns = before.map(threshold::previous).filter(|&least_ns| least_ns > own_ns);
        self.notice = Some(match (before, self.navigation.least_ns) {
            (None, _) => Notice::failed(format!(
                "the process tells of no stall below its own threshold, {}: STALLSCOPE_THRESHOLD sets it",
                show(own_ns)
            )),
            (Some(_), least_ns) => {
                Notice::done(format!("stalls are listed from {} on", show(least_ns.unwrap_or(own_ns))))
            }
        });
    }

    fn reset(&mut self, ours: Duration) {
        let process = self.process();
        self.notice = Some(if self.tape.look(ours).is_some() {
            Notice::failed("this is the past: L goes to what is newest, and r counts from there on")
        } else if !process.is_live() || process.conclusion.is_some() {
            Notice::failed("nothing more comes that could be counted from here on")
        } else if process.history.snapshot().is_none() {
            Notice::failed("no state has come yet")
        } else {
            self.tape.count_from_here();
            Notice::done("counted from here on: R counts since the process's start again")
        });
    }

    fn ask_mode(&mut self) {
        match unable(self.process()) {
            Some(why) => self.notice = Some(Notice::failed(why)),
            None => self.prompt = Some(Prompt::Mode),
        }
    }

    fn has_list(&self, ours: Duration) -> bool {
        self.navigation.opened.is_none() && self.listed(ours).table.total > 0
    }

    /// The line of code that is marked.
    fn place(&self, ours: Duration) -> Option<SourcePlace> {
        let (process, ours) = self.shown(ours);
        self.navigation.place(process, process.clock.now_ns(ours))
    }

    pub(super) fn point(&mut self, mouse: Mouse, ours: Duration) {
        if self.prompt.is_some() && mouse.does == Gesture::Click {
            return;
        }
        self.notice = None;
        match mouse.does {
            Gesture::WheelUp => (0..NOTCH).for_each(|_| self.go(Action::Up, ours)),
            Gesture::WheelDown => (0..NOTCH).for_each(|_| self.go(Action::Down, ours)),
            Gesture::Click if self.navigation.help.is_some() => self.navigation.help = None,
            Gesture::Click => {
                let (navigation, process, now_ns) = self.parts(ours);
                navigation.click(mouse.x, mouse.y, process, now_ns);
            }
        }
    }
}
