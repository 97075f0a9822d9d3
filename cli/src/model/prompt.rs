use super::key::Key;
use tui_input::{Input, InputRequest};

/// What the next keys answer, in place of what they do else.
#[derive(Debug, Clone)]
pub(crate) enum Prompt {
    /// What rows must have in them: the list follows each key.
    Filter(Input),
    /// In which format the list is to be written.
    Export,
    /// Which mode the process is to record in.
    Mode,
}

/// What a key means to a line of text.
pub(super) fn editing(key: Key) -> Option<InputRequest> {
    Some(match key {
        Key::Char(letter) => InputRequest::InsertChar(letter),
        Key::Backspace => InputRequest::DeletePrevChar,
        Key::Delete => InputRequest::DeleteNextChar,
        Key::CtrlU => InputRequest::DeleteFromStart,
        Key::CtrlW => InputRequest::DeletePrevWord,
        Key::Left => InputRequest::GoToPrevChar,
        Key::Right => InputRequest::GoToNextChar,
        Key::Home => InputRequest::GoToStart,
        Key::End => InputRequest::GoToEnd,
        _ => return None,
    })
}
