use super::access_log::log;
use super::compression::compression;
use super::panics::panics;
use super::request_id::identify;
use super::security_headers::secure;
use axum::Router;
use axum::middleware::{from_fn, map_response};

/// Puts every layer around the routes, each in its place.
///
/// The last one added is the outermost. The id comes first, since the log and the instrument say it; the log stands outside the
/// instrument, so that it tells what the client saw; and a panic is caught before anything else has to bear it.
pub(in crate::reference) fn stack<S>(routes: Router<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes
        .layer(panics())
        .layer(compression())
        .layer(map_response(secure))
        .layer(stallscope::http::Layer::new())
        .layer(from_fn(log))
        .layer(from_fn(identify))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_panic_is_answered_like_any_failure_and_its_words_are_kept_back() {
        async fn fail() -> StatusCode {
            panic!("the password is 1234")
        }
        let app = stack(Router::new().route("/", get(fail)));
        let request = Request::get("/").header("x-request-id", "a").body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-request-id"], "a");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"{\"error\":") && !body.windows(4).any(|word| word == b"1234"), "{body:?}");
    }
}
