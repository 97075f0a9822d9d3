//! What a request is called by whoever sent it.

use http::HeaderValue;

/// Longest id that is kept, in bytes. What is longer, or not printable ASCII, is none: a client may send anything.
pub(super) const LONGEST: usize = 128;

/// The header that carries it by custom.
pub(super) const HEADER: &str = "x-request-id";

/// A request's id.
#[derive(Debug, Clone, Default)]
pub(super) enum RequestId {
    #[default]
    None,
    /// As it came, without a copy.
    Header(HeaderValue),
    Text(Box<str>),
}

impl RequestId {
    pub(super) fn of_header(value: Option<&HeaderValue>) -> Self {
        value
            .filter(|value| value.to_str().is_ok_and(is_sane))
            .map_or(Self::None, |value| Self::Header(value.clone()))
    }

    pub(super) fn of_text(text: Option<String>) -> Self {
        text.filter(|text| is_sane(text)).map_or(Self::None, |text| Self::Text(text.into()))
    }

    /// Empty for none.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::None => "",
            Self::Header(value) => value.to_str().unwrap_or_default(),
            Self::Text(text) => text,
        }
    }
}

fn is_sane(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_printable_id_is_kept() {
        let long = "x".repeat(LONGEST + 1);
        let of_text = |text: &str| RequestId::of_text(Some(text.to_owned())).as_str().to_owned();
        let of_header = |bytes: &[u8]| {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            RequestId::of_header(Some(&value)).as_str().to_owned()
        };
        for id in ["7", "req 1/é", "a\tb", "", &long, &long[1..]] {
            let kept = if ["7", &long[1..]].contains(&id) { id } else { "" };
            assert_eq!((of_text(id).as_str(), of_header(id.as_bytes()).as_str()), (kept, kept), "{id}");
        }
        assert_eq!(RequestId::of_header(None).as_str(), "");
    }
}
