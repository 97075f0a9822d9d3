use super::error::LoadError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open besides the sockets of the load.
const OTHERS: u64 = 32;

/// Sees to it that so many sockets can be open at one time.
pub(super) fn make(sockets: usize) -> Result<(), LoadError> {
    let wanted = sockets as u64 + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if let Some(limit) = maximum.filter(|&maximum| maximum < wanted) {
        return Err(LoadError::TooManySockets { wanted, limit });
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
        .map_err(|error| LoadError::System(error.into()))
}
