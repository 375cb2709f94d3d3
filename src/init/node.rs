//! A node: its namespaces, and its view of the file system.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd, RawFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, open},
    sched::{CloneFlags, unshare},
    sys::stat::Mode,
    unistd::sethostname,
};

use super::{LAB_VARIABLE, NODE_VARIABLE, error::LabError, files::LabFiles};
use crate::{
    kernel::{
        Attempt, KernelError, Namespace, NamespaceKind, Netlink, bind, mount_private, overlay_etc,
        proc, renew_proc, sysfs,
    },
    name::LabName,
    plan::{self, Plan},
};

/// Descriptors that init holds for each node while a lab comes up: four of [`Node`], and the socket that sets it up.
pub(super) const DESCRIPTORS: u64 = 5;

/// The namespaces init itself lives in, to return to; the network namespace is the hub, where the switches are.
pub(super) struct Home {
    pub(super) net: Namespace,
    mount: Namespace,
    uts: Namespace,
    /// Whether /proc shows this PID namespace, so that sockets can be traced to their owners.
    pub(super) own_proc: bool,
    /// What kernel settings are in a new network namespace on this machine, of those that the lab's nodes want.
    fresh: HashMap<String, String>,
}

impl Home {
    /// Moves init into namespaces of the lab's own: without root, it could not return to the host's.
    pub(super) fn create(plan: &Plan, notes: &mut BTreeSet<String>) -> Result<Self, KernelError> {
        let flags = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS;
        unshare(flags).attempt(|| "create the lab's own network, mount and UTS namespaces")?;
        mount_private()?;
        let own_proc = match proc() {
            Ok(()) => true,
            Err(error) => {
                notes.insert(format!("{error} (a container masks it); /proc shows the host's processes, and readiness does not look at a socket's owner"));
                false
            }
        };
        Ok(Self {
            net: Namespace::current(NamespaceKind::Net)?,
            mount: Namespace::current(NamespaceKind::Mount)?,
            uts: Namespace::current(NamespaceKind::Uts)?,
            own_proc,
            fresh: fresh_sysctls(plan),
        })
    }

    /// Makes the hub ready for switches.
    pub(super) fn open_hub(&self) -> Result<Netlink, KernelError> {
        write_sysctl("net.ipv6.conf.default.disable_ipv6", "1", "the switches")?;
        Netlink::open()
    }

    /// Renews what the nodes that are made next take over.
    ///
    /// Settings of all namespaces have the same names below one /proc/sys, and the kernel looks a name up among them all
    /// (`proc_sys_compare` in fs/proc/proc_sysctl.c): with a thousand nodes, half a millisecond for each new one.
    pub(super) fn renew(&self) -> Result<(), KernelError> {
        if self.own_proc { renew_proc() } else { Ok(()) }
    }

    fn return_to(&self) -> Result<(), KernelError> {
        let join = || {
            self.net.join()?;
            self.mount.join()?;
            self.uts.join()
        };
        join().attempt(|| "return from a node's namespaces")
    }
}

/// A running node.
pub(super) struct Node {
    pub(super) plan: plan::Node,
    pub(super) net: Namespace,
    pub(super) mount: Namespace,
    pub(super) uts: Namespace,
    /// Its root directory, for looking up paths as its programs see them.
    pub(super) root: OwnedFd,
    pub(super) home: PathBuf,
}

impl Node {
    /// Makes a node's namespaces and its view of the file system; its interfaces are made through the socket.
    pub(super) fn create(
        plan: plan::Node,
        files: &LabFiles,
        home: &Home,
        notes: &mut BTreeSet<String>,
    ) -> Result<(Self, Netlink), LabError> {
        let name = &plan.name;
        let flags = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS;
        unshare(flags)
            .attempt(|| format!("create the network, mount and UTS namespaces of {name}"))?;
        sethostname(name.as_str()).attempt(|| format!("set the host name of {name}"))?;
        write_sysctls(&plan, &home.fresh)?;
        arrange_files(&plan, files, notes)?;
        let netlink = Netlink::open()?;
        let root = open("/", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
            .attempt(|| format!("open the root directory of {name}"))?;
        let node = Self {
            net: Namespace::current(NamespaceKind::Net)?,
            mount: Namespace::current(NamespaceKind::Mount)?,
            uts: Namespace::current(NamespaceKind::Uts)?,
            root,
            home: files.home(name),
            plan,
        };
        home.return_to()?;
        Ok((node, netlink))
    }

    /// All that it is held by.
    pub(super) fn descriptors(&self) -> [RawFd; 4] {
        [self.root.as_raw_fd(), self.mount.as_raw_fd(), self.uts.as_raw_fd(), self.net.as_raw_fd()]
    }

    /// The inode number of its network namespace.
    pub(super) fn net_inode(&self) -> u64 {
        let file = self.net.as_fd().try_clone_to_owned().map(fs::File::from);
        file.and_then(|file| file.metadata()).map_or(0, |metadata| metadata.ino())
    }

    /// The variables of its programs, over those of whoever starts them; PATH is not among them.
    pub(super) fn variables(&self, lab: &LabName) -> Vec<(String, String)> {
        let mut variables = vec![
            (LAB_VARIABLE.to_owned(), lab.to_string()),
            (NODE_VARIABLE.to_owned(), self.plan.name.to_string()),
            ("HOME".to_owned(), self.home.display().to_string()),
        ];
        variables.extend(self.plan.env.iter().map(|(key, value)| (key.clone(), value.clone())));
        variables
    }
}

/// The values that the plan's settings have in this network namespace, which must be new.
fn fresh_sysctls(plan: &Plan) -> HashMap<String, String> {
    let keys: BTreeSet<&String> =
        plan.nodes.iter().flat_map(|node| &node.sysctls).map(|(key, _)| key).collect();
    let value = |key: &String| {
        let text = fs::read_to_string(sysctl_path(key)).ok()?;
        Some((key.clone(), text.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    keys.into_iter().filter_map(value).collect()
}

/// Writes a new node's settings in order; those at the beginning that are so anyway cost nothing.
fn write_sysctls(plan: &plan::Node, fresh: &HashMap<String, String>) -> Result<(), KernelError> {
    let mut inert = true;
    for (key, value) in &plan.sysctls {
        if inert && fresh.get(key) == Some(value) {
            continue;
        }
        // These set others too.
        inert &= !key.contains(".all.") && !key.ends_with("forward");
        write_sysctl(key, value, plan.name.as_str())?;
    }
    Ok(())
}

fn sysctl_path(key: &str) -> PathBuf {
    Path::new("/proc/sys").join(key.replace('.', "/"))
}

pub(super) fn write_sysctl(key: &str, value: &str, of: &str) -> Result<(), KernelError> {
    let path = sysctl_path(key);
    match fs::write(&path, value) {
        // A kernel without IPv6 has nothing to silence.
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound
                && key.starts_with("net.ipv6.conf.") =>
        {
            Path::new("/proc/sys/net/ipv6").exists().then_some(error).map_or(Ok(()), Err)
        }
        other => other,
    }
    .attempt(|| format!("set {key} = {value} in {of}"))
}

/// Gives the node its own /etc and /sys, by the next best means if need be, and notes which.
fn arrange_files(
    plan: &plan::Node,
    files: &LabFiles,
    notes: &mut BTreeSet<String>,
) -> Result<(), KernelError> {
    let (changes, work) = files.etc_changes(&plan.name);
    if let Err(error) = overlay_etc(&files.etc(), &changes, &work) {
        let mut bound = ["hosts", "resolv.conf", "nsswitch.conf"].to_vec();
        // There must be something to bind over; not every host has all three.
        bound.retain(|file| Path::new("/etc").join(file).exists());
        for file in &bound {
            bind(&files.etc().join(file), &Path::new("/etc").join(file))?;
        }
        let bound = bound.join(", ");
        notes.insert(format!(
            "{error}; of /etc, nodes have their own {bound} only, and must not change it"
        ));
    }
    if let Err(error) = sysfs() {
        notes.insert(format!("{error}; /sys shows the host's interfaces"));
    }
    Ok(())
}
