use std::str::FromStr;

/// What stands for the message's number in its text.
const PLACE: &str = "{id}";

/// The text that is sent over WebSockets, with a place for the number by which a message is known when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message(String);

impl Message {
    /// The text of the message with this number.
    pub(super) fn with(&self, number: u64) -> String {
        self.0.replace(PLACE, &number.to_string())
    }
}

impl FromStr for Message {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(PLACE) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "there is no {PLACE} in it, which stands for the number by which its answer is known: write it like {{\"text\":\"hello {PLACE}\"}}"
            ))
        }
    }
}
