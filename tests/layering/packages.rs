//! Who may depend on whom.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

struct Border {
    package: &'static str,
    /// The packages of this workspace that it may depend on itself.
    siblings: &'static [&'static str],
    /// What it must not reach, not even through others.
    never: &'static [&'static str],
    /// Everything that it may depend on itself, where that is settled.
    only: Option<&'static [&'static str]>,
}

const BORDERS: [Border; 6] = [
    Border {
        package: "stallscope-wire",
        siblings: &[],
        never: &["tokio", "ratatui"],
        only: Some(&["hdrhistogram", "serde", "serde_json"]),
    },
    Border {
        package: "stallscope-macros",
        siblings: &[],
        never: &["tokio", "ratatui"],
        only: Some(&["proc-macro2", "quote", "syn"]),
    },
    Border {
        package: "stallscope-instrument",
        siblings: &["stallscope-wire"],
        never: &["stallscope", "stallscope-cli", "ratatui", "clap"],
        only: None,
    },
    Border {
        package: "stallscope",
        siblings: &["stallscope-wire", "stallscope-instrument", "stallscope-macros"],
        never: &["stallscope-cli", "ratatui", "clap"],
        only: None,
    },
    Border {
        package: "stallscope-cli",
        siblings: &["stallscope", "stallscope-wire"],
        never: &[],
        only: None,
    },
    // What the others are tested by: nobody depends on it, or it would be among their siblings.
    Border {
        package: "stallscope-corpus",
        siblings: &["stallscope"],
        never: &["stallscope-cli"],
        only: None,
    },
];

/// Packages by name, and what each depends on as its users build it: tests and benchmarks may use more.
#[derive(Clone)]
struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    fn of(metadata: &Metadata) -> Self {
        let name = |id| metadata[id].name.to_string();
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in &metadata.resolve.as_ref().expect("the dependencies are resolved").nodes {
            let built = |dependency: &&cargo_metadata::NodeDep| {
                dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            };
            let dependencies = node.deps.iter().filter(built).map(|dependency| name(&dependency.pkg));
            graph.entry(name(&node.id)).or_default().extend(dependencies);
        }
        Self(graph)
    }

    fn direct(&self, package: &str) -> impl Iterator<Item = &str> {
        self.0.get(package).into_iter().flatten().map(String::as_str)
    }

    fn reached(&self, package: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = self.direct(package).collect();
        while let Some(name) = next.pop() {
            if reached.insert(name) {
                next.extend(self.direct(name));
            }
        }
        reached
    }

    fn crossings(&self) -> Vec<String> {
        let is_ours = |name: &str| BORDERS.iter().any(|border| border.package == name);
        let mut crossings = Vec::new();
        for Border { package, siblings, never, only } in &BORDERS {
            let mut cross = |verb, name: &str| crossings.push(format!("{package} {verb} {name}"));
            for name in self.direct(package) {
                let of_ours = is_ours(name) && !siblings.contains(&name);
                let of_others = !is_ours(name) && only.is_some_and(|only| !only.contains(&name));
                if of_ours || of_others {
                    cross("uses", name);
                }
            }
            self.reached(package)
                .into_iter()
                .filter(|name| never.contains(name))
                .for_each(|name| cross("reaches", name));
        }
        crossings
    }

    fn with(&self, package: &str, dependency: &str) -> Self {
        let mut graph = self.clone();
        graph.0.entry(package.into()).or_default().insert(dependency.into());
        graph
    }
}

/// All packages with all their features, as built for this machine.
fn workspace() -> Metadata {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc is there where cargo is").stdout;
    let version = String::from_utf8(version).expect("its version is text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("it names its host");
    let mut command = MetadataCommand::new();
    command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    command.features(cargo_metadata::CargoOpt::AllFeatures);
    command.other_options(["--filter-platform".to_owned(), host.to_owned()]);
    command.exec().expect("the workspace has metadata")
}

#[test]
fn no_package_reaches_over_its_border() {
    let metadata = workspace();
    let graph = Graph::of(&metadata);
    assert_eq!(graph.crossings(), [""; 0]);
    let packages: BTreeSet<&str> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    assert_eq!(
        packages,
        BORDERS.iter().map(|border| border.package).collect(),
        "every package has its border"
    );

    for (package, dependency, crossing) in [
        ("stallscope-wire", "rand", "stallscope-wire uses rand"),
        ("serde_json", "tokio", "stallscope-wire reaches tokio"),
        ("stallscope-instrument", "stallscope", "stallscope-instrument uses stallscope"),
        ("framehop", "ratatui", "stallscope-instrument reaches ratatui"),
        ("base64", "clap", "stallscope reaches clap"),
        ("stallscope-cli", "stallscope-instrument", "stallscope-cli uses stallscope-instrument"),
        ("stallscope-cli", "stallscope-corpus", "stallscope-cli uses stallscope-corpus"),
        ("stallscope-corpus", "stallscope-cli", "stallscope-corpus uses stallscope-cli"),
    ] {
        let crossings = graph.with(package, dependency).crossings();
        assert!(crossings.iter().any(|known| known == crossing), "{crossing} is not among {crossings:?}");
    }
}

#[test]
fn the_analysis_needs_no_instrument() {
    let metadata = workspace();
    let facade = metadata.packages.iter().find(|package| package.name == "stallscope").expect("the facade");
    for name in ["stallscope-instrument", "stallscope-macros"] {
        assert!(facade.dependencies.iter().any(|known| known.name == name && known.optional), "{name}");
    }
}
