use hyper::{Method, Uri};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// The largest share of a URL against the others.
const LARGEST_WEIGHT: u32 = 100_000;

/// A URL to load, and its share of what is sent: `http://127.0.0.1:8080/`, or `3*POST http://…` for three times as many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// What is sent to it, in relation to the others; 0 where nothing is sent and only held open.
    pub(super) weight: u32,
    pub(super) kind: Kind,
    /// As given, without the weight.
    pub(super) url: String,
    /// `host:port`, to connect to and to send as `Host`.
    pub(super) authority: String,
    /// Path and query.
    pub(super) path: String,
}

/// What is done with a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Requests are sent to it.
    Request(Method),
    /// WebSockets are held open, and messages sent over them.
    WebSocket,
    /// Event streams are held open.
    Events,
}

impl Kind {
    /// Its name in the report.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Request(_) => "requests",
            Self::WebSocket => "websockets",
            Self::Events => "events",
        }
    }

    /// It is opened once and held.
    pub(super) fn is_held(&self) -> bool {
        !matches!(self, Self::Request(_))
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let fail = |problem| TargetError { url: text.to_owned(), problem };
        let (weight, asked) = match text.split_once('*').filter(|(weight, _)| !weight.contains('/')) {
            Some((weight, asked)) => (Some(weight.parse().map_err(|_| fail(Problem::Weight))?), asked),
            None => (None, text),
        };
        let (method, url) = match asked.split_once(' ') {
            Some((method, url)) => (Some(method_named(method).ok_or_else(|| fail(Problem::Method))?), url),
            None => (None, asked),
        };
        let uri: Uri = url.parse().map_err(|_| fail(Problem::NoUrl))?;
        let kind = match (uri.scheme_str(), method) {
            (None, _) => return Err(fail(Problem::NoUrl)),
            (Some("http"), method) => Kind::Request(method.unwrap_or(Method::GET)),
            (Some("ws" | "sse+http"), Some(_)) => return Err(fail(Problem::MethodOfHeld)),
            (Some("ws"), None) => Kind::WebSocket,
            (Some("sse+http"), None) => Kind::Events,
            (Some(scheme), _) => return Err(fail(Problem::Scheme(scheme.to_owned()))),
        };
        let weight = match (&kind, weight) {
            (Kind::Events, None) => 0,
            (Kind::Events, Some(_)) => return Err(fail(Problem::WeightOfEvents)),
            (Kind::WebSocket, Some(0)) => 0,
            (_, weight) => weight
                .or(Some(1))
                .filter(|weight| (1..=LARGEST_WEIGHT).contains(weight))
                .ok_or_else(|| fail(Problem::Weight))?,
        };
        let authority = uri.authority().ok_or_else(|| fail(Problem::NoUrl))?;
        if authority.as_str().contains('@') {
            return Err(fail(Problem::Credentials));
        }
        let authority = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { weight, kind, url: asked.to_owned(), authority, path })
    }
}

/// A method as it is written, in capitals: others are rather a mistake than an extension.
fn method_named(text: &str) -> Option<Method> {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    known.into_iter().find(|method| method.as_str() == text)
}

impl Target {
    /// It is opened once and held, like a WebSocket.
    pub(crate) fn is_held(&self) -> bool {
        self.kind.is_held()
    }

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
    Method,
    MethodOfHeld,
    Weight,
    WeightOfEvents,
    Unresolved(io::Error),
    Remote(IpAddr),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.url;
        match &self.problem {
            Problem::NoUrl => write!(f, "\"{url}\" is no URL: write it like http://127.0.0.1:8080/"),
            Problem::Scheme(scheme) => {
                write!(
                    f,
                    "{url}: {scheme} is not supported, only http, ws (WebSockets) and sse+http (event streams)"
                )
            }
            Problem::Method => write!(
                f,
                "{url}: what stands before the URL is no method: write it like POST http://127.0.0.1:8080/"
            ),
            Problem::MethodOfHeld => {
                write!(f, "{url}: WebSockets and event streams begin with GET: leave the method out")
            }
            Problem::WeightOfEvents => write!(
                f,
                "{url}: event streams are opened once and held, nothing is sent over them: leave the weight out"
            ),
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
    fn reads_what_is_done_with_a_url() {
        let target = |text: &str| text.parse::<Target>().expect(text);
        let asked = |text: &str| (target(text).weight, target(text).kind);
        assert_eq!(asked("http://localhost/"), (1, Kind::Request(Method::GET)));
        assert_eq!(asked("5*POST http://localhost/"), (5, Kind::Request(Method::POST)));
        assert_eq!(target("5*POST http://localhost/").url, "POST http://localhost/");
        assert_eq!(asked("2*ws://localhost/chat"), (2, Kind::WebSocket));
        assert_eq!(asked("0*ws://localhost/chat"), (0, Kind::WebSocket));
        assert_eq!(asked("sse+http://localhost/events"), (0, Kind::Events));
        assert_eq!(target("sse+http://localhost/events").path, "/events");
    }

    #[test]
    fn says_what_is_wrong_with_a_url() {
        assert!(refusal("127.0.0.1:8080").contains("write it like http://"));
        assert!(refusal("").contains("is no URL"));
        assert!(refusal("https://localhost/").contains("https is not supported"));
        assert!(refusal("http://me:secret@localhost/").contains("leave it out"));
        assert!(refusal("wss://localhost/").contains("wss is not supported"));
        assert!(refusal("post http://localhost/").contains("no method"));
        assert!(refusal("POST ws://localhost/").contains("leave the method out"));
        assert!(refusal("2*sse+http://localhost/").contains("leave the weight out"));
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
