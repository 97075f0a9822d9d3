use crate::Mode;
use serde::{Deserialize, Serialize};

/// What a reader of the live socket may ask the process for, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Request {
    /// Record this much of each poll from now on. The next snapshot says so.
    Set {
        /// How much.
        mode: Mode,
    },
}

impl Request {
    /// The longest line that a process takes, in bytes, without the newline; a longer one is ignored.
    pub const LIMIT: usize = 1024;

    /// The request as JSON, with the newline that ends it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).expect("plain data has a JSON form");
        text.push(b'\n');
        text
    }

    /// The request that a line holds; none where this version knows no such request.
    #[must_use]
    pub fn decode(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_understood_and_anything_else_is_ignored() {
        for mode in [Mode::Full, Mode::Lean, Mode::Off] {
            let request = Request::Set { mode };
            assert_eq!(Request::decode(request.encode().trim_ascii_end()), Some(request));
        }
        assert_eq!(
            Request::decode(br#"{"kind":"set","mode":"lean"}"#),
            Some(Request::Set { mode: Mode::Lean })
        );
        for line in [
            &b""[..],
            b"{}",
            br#"{"kind":"set"}"#,
            br#"{"kind":"set","mode":"loud"}"#,
            br#"{"kind":"dance"}"#,
        ] {
            assert_eq!(Request::decode(line), None);
        }
    }
}
