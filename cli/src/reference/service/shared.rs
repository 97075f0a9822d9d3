use super::breaker::Breaker;
use super::cookie_key::cookie_key;
use super::health::Readiness;
use super::image::Images;
use super::queue::Jobs;
use crate::reference::client::Client;
use axum_extra::extract::cookie::Key;

/// What the routes of the service share. Made once, before requests are taken.
#[derive(Debug)]
pub(in crate::reference) struct Shared {
    /// Work that outlives its request.
    pub(in crate::reference) jobs: Jobs,
    /// Whether new requests are welcome.
    pub(in crate::reference) readiness: Readiness,
    pub(super) images: Images,
    pub(super) breaker: Breaker,
    pub(super) cookie_key: Key,
}

impl Shared {
    /// Starts what works in the background, on the runtime that it is called from.
    pub(in crate::reference) fn start(client: Client) -> Self {
        Self {
            jobs: Jobs::start(),
            readiness: Readiness::new(),
            images: Images::new(),
            breaker: Breaker::around(client),
            cookie_key: cookie_key(),
        }
    }
}
