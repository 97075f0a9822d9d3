use super::Metric;
use std::fmt;

/// What a threshold is restricted to; nothing: it is about all there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Labels {
    /// What happened while a request of this route was answered.
    pub route: Option<String>,
    /// What the code of this crate is accused of, as its functions' names begin: `my_app`.
    pub krate: Option<String>,
}

/// By what a metric is known apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Route,
    Crate,
}

impl Label {
    const ALL: [Self; 2] = [Self::Route, Self::Crate];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Crate => "crate",
        }
    }

    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Route => "route=\"GET /\"",
            Self::Crate => "crate=\"my_app\"",
        }
    }
}

impl Metric {
    pub(super) fn labels(self) -> &'static [Label] {
        match self {
            Self::Stall => &[Label::Route, Label::Crate],
            Self::Handler => &[Label::Route],
            _ => &[],
        }
    }

    /// Whether what the labels name is known apart from the rest.
    pub(super) fn is_known_by(self, labels: &Labels) -> bool {
        let by = |label| self.labels().contains(&label);
        (labels.route.is_none() || by(Label::Route)) && (labels.krate.is_none() || by(Label::Crate))
    }
}

impl Labels {
    /// Sets one of them; what it was before, if it was set. In the names of functions a crate's dashes are underscores.
    pub(super) fn set(&mut self, label: Label, value: &str) -> Option<String> {
        match label {
            Label::Route => self.route.replace(value.to_owned()),
            Label::Crate => self.krate.replace(value.replace('-', "_")),
        }
    }

    /// What happened while a request of this route was answered.
    #[must_use]
    pub fn of_route(route: &str) -> Self {
        let mut labels = Self::default();
        labels.set(Label::Route, route);
        labels
    }

    /// What the code of this crate is accused of; its dashes may be underscores.
    #[must_use]
    pub fn of_crate(name: &str) -> Self {
        let mut labels = Self::default();
        labels.set(Label::Crate, name);
        labels
    }

    /// Whether they restrict nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// As in an expression: `{route="GET /"}`; nothing where they restrict nothing.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = [("route", &self.route), ("crate", &self.krate)];
        let mut before = "{";
        for (name, value) in labels {
            if let Some(value) = value {
                let value = value.replace('\\', r"\\").replace('"', "\\\"");
                write!(f, "{before}{name}=\"{value}\"")?;
                before = ", ";
            }
        }
        if self.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}
