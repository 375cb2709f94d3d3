//! The lab's own file system: a tmpfs that only the lab's mount namespaces see.
//!
//! ```text
//! bin/labnet          the program that made the lab
//! captures/LINK.pcapng  what has passed a link, if it is captured
//! etc/                what every node's /etc shows over the host's
//! log/NODE/PROGRAM    recorded output
//! nodes/NODE/home     the node's home
//! nodes/NODE/etc      the node's changes below /etc
//! ```

use std::{
    fs::{self, Metadata},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::error::LabError;
use crate::{
    kernel::{Attempt, KernelError, bind, tmpfs},
    name::{LOOPBACK, NodeName},
    plan::{self, Plan, Source},
};

/// The lab's tmpfs.
#[derive(Debug)]
pub(super) struct LabFiles {
    root: PathBuf,
}

impl LabFiles {
    /// Mounts the tmpfs on `root` and fills in what all nodes share.
    pub(super) fn mount(root: PathBuf, plan: &Plan) -> Result<Self, KernelError> {
        tmpfs(&root)?;
        let files = Self { root };
        for folder in ["bin", "captures", "etc", "log", "nodes"] {
            make_folder(&files.root.join(folder))?;
        }
        show_program(&files.bin().join("labnet"))?;
        let etc = files.etc();
        write(&etc.join("hosts"), hosts(plan).as_bytes())?;
        write(&etc.join("resolv.conf"), b"# labnet: names are in /etc/hosts\n")?;
        write(
            &etc.join("nsswitch.conf"),
            b"passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
        )?;
        Ok(files)
    }

    /// The folder that comes first in every PATH.
    pub(super) fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// What every node's /etc shows over the host's.
    pub(super) fn etc(&self) -> PathBuf {
        self.root.join("etc")
    }

    /// The node's home.
    pub(super) fn home(&self, node: &NodeName) -> PathBuf {
        self.node(node).join("home")
    }

    /// The node's changes below /etc, and the kernel's folder for making them.
    pub(super) fn etc_changes(&self, node: &NodeName) -> (PathBuf, PathBuf) {
        (self.node(node).join("etc"), self.node(node).join("work"))
    }

    /// Where the output of a node's programs is recorded.
    pub(super) fn log(&self, node: &NodeName) -> PathBuf {
        self.root.join("log").join(node.as_str())
    }

    /// Where frames of a link or network are recorded.
    pub(super) fn recording(&self, of: &str) -> PathBuf {
        self.root.join("captures").join(format!("{of}.pcapng"))
    }

    fn node(&self, node: &NodeName) -> PathBuf {
        self.root.join("nodes").join(node.as_str())
    }

    /// Makes the node's folders and copies its files.
    pub(super) fn add_node(&self, node: &plan::Node, base: &Path) -> Result<(), LabError> {
        let (etc, work) = self.etc_changes(&node.name);
        let home = self.home(&node.name);
        for folder in [&self.node(&node.name), &home, &etc, &work] {
            make_folder(folder)?;
        }
        write(&etc.join("hostname"), format!("{}\n", node.name).as_bytes())?;
        for file in &node.files {
            let target = home.join(&file.target);
            copy(&file.source, base, &target).map_err(|error| LabError::File {
                node: node.name.clone(),
                source_path: match &file.source {
                    Source::Path(path) => base.join(path),
                    Source::Inline(_) => "(the topology's own text)".into(),
                },
                target: file.target.clone(),
                why: error.to_string(),
            })?;
        }
        Ok(())
    }
}

/// Shows this program's file at `target`, whatever becomes of its name later; a copy, if the name leads elsewhere by now.
fn show_program(target: &Path) -> Result<(), KernelError> {
    const SELF: &str = "/proc/self/exe";
    write(target, b"")?;
    let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    let name = fs::read_link(SELF).attempt(|| format!("read {SELF}"))?;
    match (fs::metadata(&name), fs::metadata(SELF)) {
        (Ok(named), Ok(running)) if same(&named, &running) => bind(&name, target),
        _ => fs::copy(SELF, target)
            .map(|_| ())
            .attempt(|| format!("copy {SELF} to {}", target.display())),
    }
}

fn copy(source: &Source, base: &Path, target: &Path) -> io::Result<()> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    match source {
        Source::Inline(text) => fs::write(target, text),
        Source::Path(path) => {
            fs::copy(base.join(path), target)?;
            Ok(())
        }
    }
}

fn make_folder(path: &Path) -> Result<(), KernelError> {
    fs::create_dir(path).attempt(|| format!("make the folder {}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> Result<(), KernelError> {
    fs::write(path, content).attempt(|| format!("write {}", path.display()))
}

/// /etc/hosts (hosts(5)): every node by every address.
fn hosts(plan: &Plan) -> String {
    let mut text = format!("127.0.0.1 {}\n::1 {}\n", LOOPBACK[0], LOOPBACK.join(" ")).into_bytes();
    for node in &plan.nodes {
        for address in node.interfaces.iter().flat_map(|interface| &interface.addresses) {
            // Writing to memory can't fail.
            let _ = writeln!(text, "{} {}", address.addr(), node.name);
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}
