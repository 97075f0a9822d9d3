use super::refused::Refused;
use crate::reference::state::State;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use axum::{Form, Json, Router};
use axum_extra::extract::SignedCookieJar;
use axum_extra::extract::cookie::{Cookie, Key, SameSite};
use serde::Deserialize;
use serde_json::{Value, json};

/// The largest form that is taken, in bytes.
const LARGEST: usize = 16 * 1_024;
const COOKIE: &str = "xsrf";

pub(super) fn routes() -> Router<State> {
    Router::new().route("/form", get(show).post(take)).layer(DefaultBodyLimit::max(LARGEST))
}

/// The signature's key, where the cookies look for it.
impl FromRef<State> for Key {
    fn from_ref(state: &State) -> Self {
        state.service.cookie_key.clone()
    }
}

/// Shows the form, which holds the token of the visitor's cookie. Another site can have a browser send the cookie, but not read
/// it, nor sign one of its own: so only a form that came from here holds a token that fits.
async fn show(jar: SignedCookieJar) -> (SignedCookieJar, Html<String>) {
    // A visitor with two tabs keeps one token, so that the first form still fits.
    let token = jar
        .get(COOKIE)
        .map_or_else(|| format!("{:032x}", rand::random::<u128>()), |cookie| cookie.value().to_owned());
    // Its digits need no escaping. A service behind TLS adds `secure(true)`, and `__Host-` to the name.
    let page = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>A form</title>\n<form method=\"post\">\n\
        <input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
        <label>Your word: <input name=\"word\" required></label>\n<button>Send</button>\n</form>\n"
    );
    let cookie = Cookie::build((COOKIE, token)).path("/form").http_only(true).same_site(SameSite::Strict);
    (jar.add(cookie), Html(page))
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    token: String,
    word: String,
}

async fn take(jar: SignedCookieJar, form: Result<Form<Sent>, FormRejection>) -> Result<Json<Value>, Refused> {
    let Form(sent) = form?;
    // A jar of signed cookies holds none whose signature is wrong.
    if jar.get(COOKIE).is_none_or(|cookie| cookie.value() != sent.token) {
        return Err(Refused::with(
            StatusCode::FORBIDDEN,
            "this form did not come from GET /form, or its cookie is gone: load it again",
        ));
    }
    Ok(Json(json!({ "word": sent.word })))
}
