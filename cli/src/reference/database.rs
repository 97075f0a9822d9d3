//! The users, in a SQLite file of the process's own.

use rusqlite::{Connection, OpenFlags};
use std::fmt;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// Users there are, with the ids 1 to this.
pub(super) const USERS: u32 = 1_000;
/// Connections in the pool, and so the threads that it takes at most.
const CONNECTIONS: usize = 4;
/// How long a connection waits for another one's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database and its pool of connections. A clone is another handle to the same; the file goes with the last.
#[derive(Debug, Clone)]
pub(super) struct Database(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    folder: TempDir,
    free: Arc<Semaphore>,
    /// Open and unused. Never held longer than it takes to push or pop.
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    /// Makes the file and fills it.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(super) async fn create() -> io::Result<Self> {
        spawn_blocking(|| {
            let folder = tempfile::Builder::new().prefix("stallscope-serve-").tempdir()?;
            let pool = Pool {
                folder,
                free: Arc::new(Semaphore::new(CONNECTIONS)),
                idle: Mutex::new(Vec::with_capacity(CONNECTIONS)),
            };
            pool.open(OpenFlags::SQLITE_OPEN_CREATE)
                .and_then(|mut connection| fill(&mut connection))
                .map_err(io::Error::other)?;
            Ok(Self(Arc::new(pool)))
        })
        .await?
    }

    /// Removes the file when it is called, for a process that ends without dropping what it holds. It is no handle: the file goes
    /// with the last of these all the same.
    pub(super) fn removal(&self) -> impl Fn() + use<> {
        let folder = self.0.folder.path().to_owned();
        // A file that cannot be removed stays where temporary ones are.
        move || drop(fs::remove_dir_all(&folder))
    }

    /// Opens the file, for those who want to block.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        self.0.open(OpenFlags::empty())
    }

    /// Does some work with a connection on the blocking pool, when one of the few connections is free. Work that has begun
    /// goes on when nobody waits for it any more, and holds its connection until then.
    ///
    /// # Errors
    /// When the work fails or panics, or the file cannot be opened.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, CallError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let pool = Arc::clone(&self.0);
        let free = Arc::clone(&pool.free).acquire_owned().await.expect("the semaphore is never closed");
        spawn_blocking(move || {
            let _held = free;
            let idle = pool.idle().pop();
            let mut connection = idle.map_or_else(|| pool.open(OpenFlags::empty()), Ok)?;
            let outcome = work(&mut connection);
            pool.idle().push(connection);
            outcome
        })
        .await?
        .map_err(CallError::Database)
    }
}

impl Pool {
    fn open(&self, more: OpenFlags) -> rusqlite::Result<Connection> {
        // A connection is used by one thread at a time, as Rust sees to.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let connection = Connection::open_with_flags(self.folder.path().join("users.db"), flags)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE) STRICT;",
    )?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO users (id, name, email) VALUES (?1, ?2, ?3)")?;
        for id in 1..=USERS {
            insert.execute((id, format!("User {id}"), format!("user{id}@example.com")))?;
        }
    }
    transaction.commit()
}

/// Why a call has no outcome.
#[derive(Debug)]
pub(super) enum CallError {
    /// The database said no.
    Database(rusqlite::Error),
    /// The work panicked, or the runtime ended.
    Lost(JoinError),
}

impl From<JoinError> for CallError {
    fn from(error: JoinError) -> Self {
        Self::Lost(error)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => write!(f, "the database failed: {error}"),
            Self::Lost(error) => write!(f, "the work on the database was lost: {error}"),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Lost(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    fn count(connection: &Connection) -> rusqlite::Result<u32> {
        connection
            .query_row("SELECT count(*) FROM users WHERE id BETWEEN 1 AND ?1", [USERS], |row| row.get(0))
    }

    #[tokio::test]
    async fn both_ways_lead_to_the_users() {
        let database = Database::create().await.unwrap();
        assert_eq!(count(&database.connect().unwrap()), Ok(USERS));
        assert_eq!(database.call(|connection| count(connection)).await.unwrap(), USERS);
    }

    #[tokio::test]
    async fn the_pool_outlives_what_fails_in_it() {
        let database = Database::create().await.unwrap();
        for _ in 0..2 * CONNECTIONS {
            let failed = database.call(|connection| connection.execute("DELETE FROM nothing", [])).await;
            assert!(matches!(failed, Err(CallError::Database(_))), "{failed:?}");
            let lost = database.call(|_| -> rusqlite::Result<()> { panic!("it is to be lost") }).await;
            assert!(matches!(lost, Err(CallError::Lost(_))), "{lost:?}");
        }
        assert_eq!(database.call(|connection| count(connection)).await.unwrap(), USERS);
    }

    #[tokio::test]
    async fn no_more_work_at_once_than_there_are_connections() {
        static AT_WORK: AtomicUsize = AtomicUsize::new(0);
        let database = Database::create().await.unwrap();
        // Work ends only when as much is at work as may be.
        let all = Arc::new(Barrier::new(CONNECTIONS));
        let work = (0..3 * CONNECTIONS).map(|_| {
            let (database, all) = (database.clone(), Arc::clone(&all));
            tokio::spawn(async move {
                let work = move |_: &mut Connection| {
                    let at_work = AT_WORK.fetch_add(1, Relaxed) + 1;
                    all.wait();
                    AT_WORK.fetch_sub(1, Relaxed);
                    Ok(at_work)
                };
                database.call(work).await.unwrap()
            })
        });
        let work: Vec<_> = work.collect();
        let mut most = 0;
        for work in work {
            most = most.max(work.await.unwrap());
        }
        assert_eq!(most, CONNECTIONS);
    }

    #[tokio::test]
    async fn the_file_goes_with_the_last_handle() {
        let database = Database::create().await.unwrap();
        let folder = database.0.folder.path().to_owned();
        let removal = database.removal();
        drop(database.clone());
        assert!(folder.join("users.db").is_file());
        drop(database);
        assert!(!folder.exists());
        removal();
    }

    #[tokio::test]
    async fn the_file_goes_before_that_where_nothing_is_dropped() {
        let database = Database::create().await.unwrap();
        database.removal()();
        assert!(!database.0.folder.path().exists());
    }
}
