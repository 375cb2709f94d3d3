//! The same labs by iproute2's `ip -batch`: configured first, raised last; one process for all namespaces, and one for what
//! is done in each, since a batch can't change its namespace.

use std::{fmt::Write, fs, path::PathBuf};

use tempfile::TempDir;

use super::run;

/// The namespace of the switch.
const HUB: &str = "labnet-bench-hub";

/// Batch files, each with the namespace it is for.
pub(crate) struct Batches {
    folder: TempDir,
    up: Vec<(Option<String>, PathBuf)>,
    down: PathBuf,
}

impl Batches {
    fn new(namespaces: &[String]) -> Self {
        let folder = TempDir::new().unwrap();
        let lines = |verb: &str| {
            namespaces.iter().map(|name| format!("netns {verb} {name}\n")).collect::<String>()
        };
        let down = folder.path().join("down");
        fs::write(&down, lines("del")).unwrap();
        let mut batches = Self { folder, up: Vec::new(), down };
        batches.add(None, &lines("add"));
        batches
    }

    fn add(&mut self, namespace: Option<&str>, lines: &str) {
        let path = self.folder.path().join(self.up.len().to_string());
        fs::write(&path, lines).unwrap();
        self.up.push((namespace.map(str::to_owned), path));
    }

    fn add_host(&mut self, name: &str, address: &str) {
        let lines = format!("addr add {address} dev eth0\nlink set lo up\nlink set eth0 up\n");
        self.add(Some(name), &lines);
    }

    /// Two hosts and a link.
    pub(crate) fn pair() -> Self {
        let names = ["labnet-bench-r2", "labnet-bench-kali"];
        let mut batches = Self::new(&names.map(str::to_owned));
        let link = format!("link add eth0 mtu 1500 type veth peer name eth0 netns {}\n", names[1]);
        let near = format!("{link}addr add 10.10.10.2/24 dev eth0\n");
        batches.add(Some(names[0]), &(near + "link set lo up\nlink set eth0 up\n"));
        batches.add_host(names[1], "10.10.10.3/24");
        batches
    }

    /// Hosts on a switch in a namespace of its own; their interfaces are born in place, which is fastest, or moved there,
    /// which is what most scripts do.
    pub(crate) fn network(count: usize, in_place: bool) -> Self {
        let names: Vec<String> = (1..=count).map(|n| format!("labnet-bench-h{n}")).collect();
        let mut batches = Self::new(&[names.as_slice(), &[HUB.to_owned()]].concat());
        let mut links = "link add br0 type bridge stp_state 0 mcast_snooping 0\n".to_owned();
        let mut raise = "link set br0 up\n".to_owned();
        for (place, name) in names.iter().enumerate() {
            let port = format!("p{place}");
            let link = format!("link add {port} mtu 1500 master br0 type veth peer name");
            match in_place {
                true => writeln!(links, "{link} eth0 netns {name}"),
                false => {
                    writeln!(links, "{link} e{place}\nlink set e{place} name eth0 netns {name}")
                }
            }
            .unwrap();
            writeln!(raise, "link set {port} up").unwrap();
        }
        batches.add(Some(HUB), &links);
        for (place, name) in names.iter().enumerate() {
            let [high, low] = (place as u16 + 1).to_be_bytes();
            batches.add_host(name, &format!("10.0.{high}.{low}/16"));
        }
        batches.add(Some(HUB), &raise);
        batches
    }

    pub(crate) fn up(&self) {
        for (namespace, path) in &self.up {
            let path = path.to_str().unwrap();
            match namespace {
                Some(namespace) => run("ip", &["-n", namespace, "-batch", path]),
                None => run("ip", &["-batch", path]),
            }
        }
    }

    pub(crate) fn down(&self) {
        run("ip", &["-batch", self.down.to_str().unwrap()]);
    }
}
