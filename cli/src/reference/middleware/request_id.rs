use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over. Whoever chains services needs a UUID's 36; longer ones would fill logs at a client's will.
const LONGEST: usize = 64;

/// Gives the request one id: the client's if it is sane, else a new one. It is in the header for all that come after, in every
/// line logged meanwhile, and in the response.
pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    let id = match request.headers().get(&HEADER) {
        Some(id) if is_sane(id.as_bytes()) => id.clone(),
        _ => new_id(),
    };
    request.headers_mut().insert(HEADER, id.clone());
    let span = tracing::info_span!("request", id = of(request.headers()));
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(HEADER, id);
    response
}

/// The id of a request that has passed [`identify`].
fn of(headers: &HeaderMap) -> &str {
    headers.get(&HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default()
}

/// Nothing in it can end a line of the log, or pass for another field there.
fn is_sane(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
}

fn new_id() -> HeaderValue {
    let id = format!("{:016x}", rand::random::<u64>());
    HeaderValue::try_from(id).expect("hexadecimal digits may stand in a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_over_only_if_no_log_is_hurt_by_it() {
        for sane in ["7", "0b6f3f0a-9c1d-4f8e-8a5e-2f7f1c3d9e10", "web-1.front:42", &"a".repeat(64)] {
            assert!(is_sane(sane.as_bytes()), "{sane}");
        }
        for insane in ["", "a b", "a\"b", "a\tstatus=200", "ä", &"a".repeat(65)] {
            assert!(!is_sane(insane.as_bytes()), "{insane}");
        }
    }

    #[test]
    fn a_new_id_is_sane() {
        assert!(is_sane(new_id().as_bytes()));
    }
}
