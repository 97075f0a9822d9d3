use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};

/// Whether a page of this server asks, or none at all.
///
/// A browser asks with the user's cookies whatever page makes it, and no page may leave its origin out. What is no browser could
/// state any origin, and so is not asked for one.
pub(super) fn is_ours(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (origin.as_ref().and_then(Uri::authority), asked) {
        (Some(origin), Some(host)) => origin.as_str().eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &str) -> bool {
        let headers = [(HOST, "127.0.0.1:8080".parse().unwrap()), (ORIGIN, origin.parse().unwrap())];
        is_ours(&headers.into_iter().collect())
    }

    #[test]
    fn only_our_own_pages_are_ours() {
        assert!(from("http://127.0.0.1:8080"));
        for origin in [
            "http://127.0.0.1:8081",
            "http://127.0.0.1",
            "https://evil.example",
            "http://127.0.0.1:8080.evil.example",
            "http://evil.example/127.0.0.1:8080",
            "http://127.0.0.1:8080@evil.example",
            "null",
            "",
        ] {
            assert!(!from(origin), "{origin:?}");
        }
        assert!(is_ours(&HeaderMap::new()), "what is no browser states none");
    }
}
