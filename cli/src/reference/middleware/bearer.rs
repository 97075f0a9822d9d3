use crate::reference::answer::failed;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

/// The token that the server's made-up users are to be read with. A real service has one a client, and not in its source.
const TOKEN: &str = "reference";

/// Lets through who brings the token in `Authorization: Bearer TOKEN`, before anything of the request is looked at.
pub(in crate::reference) async fn require_bearer(request: Request, next: Next) -> Response {
    let (challenge, error) = match bearer(request.headers()) {
        Some(token) if is_same(token, TOKEN) => return next.run(request).await,
        Some(_) => (
            r#"Bearer realm="reference", error="invalid_token""#,
            "this token is not known here: GET / tells which is",
        ),
        None => (
            r#"Bearer realm="reference""#,
            "who asks? This route takes the header Authorization: Bearer TOKEN; GET / tells which",
        ),
    };
    let mut response = failed(StatusCode::UNAUTHORIZED, error);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// The token that a request brings; the scheme's name may be written in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares hashes, so that the time it takes tells nothing of how much of a guess was right.
fn is_same(token: &str, expected: &str) -> bool {
    Sha256::digest(token) == Sha256::digest(expected)
}
