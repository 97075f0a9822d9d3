use hyper::Uri;
use hyper::http::uri::Scheme;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// The largest share of a URL against the others.
const LARGEST_WEIGHT: u32 = 100_000;

/// A URL to send requests to, and its share of them: `http://127.0.0.1:8080/`, or `3*http://…` for three times as many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Requests sent to it, in relation to those of the others.
    pub(super) weight: u32,
    /// As given, without the weight.
    pub(super) url: String,
    /// `host:port`, to connect to and to send as `Host`.
    pub(super) authority: String,
    /// Path and query.
    pub(super) path: String,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let fail = |problem| TargetError { url: text.to_owned(), problem };
        let (weight, url) = match text.split_once('*').filter(|(weight, _)| !weight.contains('/')) {
            Some((weight, url)) => (weight.parse().map_err(|_| fail(Problem::Weight))?, url),
            None => (1, text),
        };
        if weight == 0 || weight > LARGEST_WEIGHT {
            return Err(fail(Problem::Weight));
        }
        let uri: Uri = url.parse().map_err(|_| fail(Problem::NoUrl))?;
        match uri.scheme() {
            None => return Err(fail(Problem::NoUrl)),
            Some(scheme) if *scheme != Scheme::HTTP => return Err(fail(Problem::Scheme(scheme.to_string()))),
            Some(_) => {}
        }
        let authority = uri.authority().ok_or_else(|| fail(Problem::NoUrl))?;
        if authority.as_str().contains('@') {
            return Err(fail(Problem::Credentials));
        }
        let authority = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { weight, url: url.to_owned(), authority, path })
    }
}

impl Target {
    /// The addresses behind the name.
    ///
    /// # Errors
    /// When there are none, or one is another machine's and `remote` ones are not allowed.
    pub(super) fn resolve(&self, remote: bool) -> Result<Vec<SocketAddr>, TargetError> {
        let fail = |problem| TargetError { url: self.url.clone(), problem };
        let addresses: Vec<_> =
            self.authority.to_socket_addrs().map_err(|error| fail(Problem::Unresolved(error)))?.collect();
        match addresses.iter().map(SocketAddr::ip).find(|ip| !ip.to_canonical().is_loopback()) {
            Some(ip) if !remote => Err(fail(Problem::Remote(ip))),
            _ => Ok(addresses),
        }
    }
}

/// Why a URL cannot be loaded.
#[derive(Debug)]
pub(crate) struct TargetError {
    url: String,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    NoUrl,
    Scheme(String),
    Credentials,
    Weight,
    Unresolved(io::Error),
    Remote(IpAddr),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.url;
        match &self.problem {
            Problem::NoUrl => write!(f, "\"{url}\" is no URL: write it like http://127.0.0.1:8080/"),
            Problem::Scheme(scheme) => write!(f, "{url}: {scheme} is not supported, only http"),
            Problem::Credentials => {
                write!(f, "{url}: a name or password in a URL is not supported: leave it out")
            }
            Problem::Weight => write!(
                f,
                "{url}: the weight before * is no whole number from 1 to {LARGEST_WEIGHT}: write it like 3*http://127.0.0.1:8080/"
            ),
            Problem::Unresolved(error) => write!(f, "{url}: the host is not known: {error}"),
            Problem::Remote(ip) => write!(
                f,
                "{url} is at {ip}, which is not this machine: load goes to loopback addresses only; \
                 if that server is yours, say so with --allow-remote"
            ),
        }
    }
}

impl std::error::Error for TargetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Unresolved(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        url.parse::<Target>().expect_err(url).to_string()
    }

    #[test]
    fn reads_urls_with_and_without_a_weight() {
        let target: Target = "3*http://127.0.0.1:8080/a?b=c*d".parse().unwrap();
        assert_eq!(
            (target.weight, target.authority.as_str(), target.path.as_str()),
            (3, "127.0.0.1:8080", "/a?b=c*d")
        );
        let target: Target = "http://localhost/a*b".parse().unwrap();
        assert_eq!(
            (target.weight, target.authority.as_str(), target.path.as_str()),
            (1, "localhost:80", "/a*b")
        );
        let target: Target = "http://[::1]:9000".parse().unwrap();
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("[::1]:9000", "/"));
    }

    #[test]
    fn says_what_is_wrong_with_a_url() {
        assert!(refusal("127.0.0.1:8080").contains("write it like http://"));
        assert!(refusal("").contains("is no URL"));
        assert!(refusal("https://localhost/").contains("https is not supported"));
        assert!(refusal("http://me:secret@localhost/").contains("leave it out"));
        for weight in ["0", "-1", "x", "", "99999999999"] {
            assert!(
                refusal(&format!("{weight}*http://localhost/")).contains("the weight before *"),
                "{weight:?}"
            );
        }
    }

    #[test]
    fn goes_to_other_machines_only_when_told_to() {
        let remote: Target = "http://192.0.2.1/".parse().unwrap();
        assert!(remote.resolve(false).unwrap_err().to_string().contains("--allow-remote"));
        assert!(remote.resolve(true).is_ok());
        for local in ["http://127.0.0.1:1/", "http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/"] {
            assert!(local.parse::<Target>().unwrap().resolve(false).is_ok(), "{local}");
        }
    }
}
