use super::client::Client;
use super::database::Database;
use super::service::Shared;
use super::upstream::Upstream;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long the upstream may take for an answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the routes share. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// The users, in a file.
    pub(super) database: Database,
    /// The slow service that some routes ask.
    pub(super) upstream: SocketAddr,
    /// Asks it as one ought to.
    pub(super) client: Client,
    /// The slow name server.
    pub(super) names: SocketAddr,
    /// What the routes of the service share.
    pub(super) service: Arc<Shared>,
}

impl State {
    /// Makes the database and starts what the routes ask.
    ///
    /// # Errors
    /// When there is no room for the database, or no port or thread for the others.
    pub(super) async fn start() -> io::Result<Self> {
        let database = Database::create().await?;
        let Upstream { http, names } = Upstream::start()?;
        let client = Client::new(http, PATIENCE);
        let service = Arc::new(Shared::start(client.clone()));
        Ok(Self { database, upstream: http, client, names, service })
    }
}
