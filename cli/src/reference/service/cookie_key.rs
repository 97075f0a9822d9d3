use axum_extra::extract::cookie::Key;
use std::env;

/// Where a process that shares its port finds the key that all of them sign with: the next request of a visitor may come to
/// another one. The environment is readable for the same user alone, and a command's arguments are for everybody.
const VARIABLE: &str = "STALLSCOPE_SERVE_COOKIE_KEY";
/// What signing and encrypting want, in bytes.
const LENGTH: usize = 64;

/// The variable with a new key, for processes that are to share one.
pub(in crate::reference) fn shared_cookie_key() -> (&'static str, String) {
    (VARIABLE, random())
}

/// The key of this process: one that is shared if it was given one, else its own. With its own, cookies last as long as the process.
pub(super) fn cookie_key() -> Key {
    let given = env::var(VARIABLE).ok().filter(|key| key.len() >= LENGTH);
    Key::from(given.unwrap_or_else(random).as_bytes())
}

/// 256 random bits as text, of which signing takes one half.
fn random() -> String {
    (0..LENGTH / 16).map(|_| format!("{:016x}", rand::random::<u64>())).collect()
}
