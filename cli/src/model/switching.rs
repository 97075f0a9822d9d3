use super::process::Process;
use stallscope_wire::{Mode, Request};

/// The mode that the user wants the process to record in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switching {
    /// What the process was asked for and has not followed yet.
    asked: Option<Mode>,
    unsent: Option<Request>,
    /// What there is to say of it, until the next key.
    notice: Option<String>,
}

impl Switching {
    /// Asks for a mode.
    pub(super) fn press(&mut self, mode: Mode) {
        self.asked = Some(mode);
        self.unsent = Some(Request::Set { mode });
        self.notice = Some(format!("asked the process for mode {mode}"));
    }

    /// What is to be sent to the process.
    pub(super) fn request(&mut self) -> Option<Request> {
        self.unsent.take()
    }

    /// It could not be sent.
    pub(super) fn refuse(&mut self, why: &str) {
        self.asked = None;
        self.notice = Some(format!("the process cannot be asked for another mode: {why}"));
    }

    /// The user has gone on to something else.
    pub(super) fn forget(&mut self) {
        self.notice = None;
    }

    /// Looks whether the process has followed.
    pub(super) fn settle(&mut self, process: &Process) {
        if self.unsent.is_none() && self.asked == Some(process.history.mode()) {
            *self = Self::default();
        }
    }

    pub(crate) fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }
}

/// Why the process cannot be asked.
pub(super) fn unable(process: &Process) -> Option<String> {
    let header = process.header();
    let why = if !process.is_live() {
        "this is a recording: the mode of its process cannot be changed any more".to_owned()
    } else if process.conclusion.is_some() {
        "the process has ended: its mode cannot be changed any more".to_owned()
    } else if !header.requests {
        let version = &header.versions.stallscope;
        format!("the process was built with Stallscope {version}, which cannot change its mode while it runs")
    } else {
        return None;
    };
    Some(why)
}
