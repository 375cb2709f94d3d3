//! The features that labs use: names, purposes and remedies.

use super::{
    doctor::{Finding, State},
    probe, probe_links,
};
use crate::kernel::KernelError;

/// A feature that may be there or not.
pub(super) struct Known {
    /// Stable: programs look features up by it.
    pub(super) name: &'static str,
    pub(super) needed_for: &'static str,
    /// What it is if trying it fails.
    pub(super) without: State,
    /// The features before it without which it can't be tried.
    pub(super) needs: &'static [&'static str],
    /// Tries it, in a process of its own.
    pub(super) attempt: fn() -> Result<Finding, KernelError>,
    pub(super) remedy: fn() -> String,
}

/// All features, in the order they are tried and shown in.
pub(super) const FEATURES: [Known; 30] = [
    Known {
        name: "kernel",
        needed_for: "everything",
        without: State::Missing,
        needs: &[],
        attempt: probe::kernel,
        remedy: || {
            "use Linux 5.11 or newer; in a container, a seccomp profile that allows the call, as \
             `docker run --security-opt seccomp=unconfined` does"
                .into()
        },
    },
    Known {
        name: "privilege",
        needed_for: "choosing between a lab as root and one in a user namespace; only root has `--user` and `ip netns` names",
        without: State::Missing,
        needs: &[],
        attempt: probe::privilege,
        remedy: String::new,
    },
    Known {
        name: "user-namespace",
        needed_for: "labs without root",
        without: State::Missing,
        needs: &[],
        attempt: probe::user_namespace,
        remedy: probe::user_namespace_remedy,
    },
    Known {
        name: "capabilities",
        needed_for: "every namespace and interface of a lab",
        without: State::Missing,
        needs: &["user-namespace"],
        attempt: probe::capabilities,
        remedy: probe::capabilities_remedy,
    },
    Known {
        name: "pid-namespace",
        needed_for: "ending a lab with everything in it",
        without: State::Missing,
        needs: &["capabilities"],
        attempt: probe::pid_namespace,
        remedy: || probe::raise("user.max_pid_namespaces"),
    },
    Known {
        name: "network-namespace",
        needed_for: "nodes: each has its own network",
        without: State::Missing,
        needs: &["capabilities"],
        attempt: probe::network_namespace,
        remedy: || probe::raise("user.max_net_namespaces"),
    },
    Known {
        name: "mount-namespace",
        needed_for: "nodes: each has its own /etc and /sys",
        without: State::Missing,
        needs: &["capabilities"],
        attempt: probe::mount_namespace,
        remedy: || probe::raise("user.max_mnt_namespaces"),
    },
    Known {
        name: "uts-namespace",
        needed_for: "nodes: each has its own host name",
        without: State::Missing,
        needs: &["capabilities"],
        attempt: probe::uts_namespace,
        remedy: || probe::raise("user.max_uts_namespaces"),
    },
    Known {
        name: "tmpfs",
        needed_for: "homes of nodes and recorded output",
        without: State::Missing,
        needs: &["mount-namespace"],
        attempt: probe::tmpfs,
        remedy: || MOUNT.into(),
    },
    Known {
        name: "proc",
        needed_for: "a /proc that shows the lab's processes only; without it, readiness can't tell which program has a socket",
        without: State::Note,
        needs: &["pid-namespace", "mount-namespace"],
        attempt: probe::proc,
        remedy: || UNMASK.into(),
    },
    Known {
        name: "sysctl",
        needed_for: "the same kernel settings in all nodes on all machines",
        without: State::Missing,
        needs: &["pid-namespace", "mount-namespace", "network-namespace"],
        attempt: probe::sysctl,
        remedy: || UNMASK.into(),
    },
    Known {
        name: "sysfs",
        needed_for: "a /sys that shows the node's own interfaces",
        without: State::Note,
        needs: &["mount-namespace", "network-namespace"],
        attempt: probe::sysfs,
        remedy: || UNMASK.into(),
    },
    Known {
        name: "overlay",
        needed_for: "nodes that may change their /etc; without it, three files are bound over the host's",
        without: State::Note,
        needs: &["tmpfs"],
        attempt: probe::overlay,
        remedy: || "sudo modprobe overlay; without root, Linux 5.11 or newer".into(),
    },
    Known {
        name: "veth",
        needed_for: "links",
        without: State::Missing,
        needs: &["network-namespace"],
        attempt: probe::veth,
        remedy: || "sudo modprobe veth".into(),
    },
    Known {
        name: "bridge",
        needed_for: "networks: each is a switch",
        without: State::Missing,
        needs: &["network-namespace"],
        attempt: probe::bridge,
        remedy: || "sudo modprobe bridge".into(),
    },
    Known {
        name: "cubic",
        needed_for: "the same TCP congestion control on all machines",
        without: State::Missing,
        needs: &["network-namespace"],
        attempt: probe::cubic,
        remedy: || "sudo modprobe tcp_cubic".into(),
    },
    Known {
        name: "sock-diag",
        needed_for: "readiness: seeing that a program listens",
        without: State::Missing,
        needs: &["network-namespace"],
        attempt: probe::sock_diag,
        remedy: || "sudo modprobe -a inet_diag tcp_diag udp_diag".into(),
    },
    Known {
        name: "packet-socket",
        needed_for: "captures",
        without: State::Note,
        needs: &["network-namespace"],
        attempt: probe::packet_socket,
        remedy: || "sudo modprobe af_packet".into(),
    },
    Known {
        name: "redirect",
        needed_for: "links: what arrives at one end in the hub is sent by the other",
        without: State::Missing,
        needs: &["network-namespace"],
        attempt: probe_links::redirection,
        remedy: || "sudo modprobe -a sch_ingress cls_bpf act_mirred".into(),
    },
    Known {
        name: "netem",
        needed_for: "links that delay and lose frames, in the kernel; without it, labnet carries their frames itself",
        without: State::Note,
        needs: &["network-namespace"],
        attempt: probe_links::netem,
        remedy: || "sudo modprobe sch_netem, where the kernel has it".into(),
    },
    Known {
        name: "netem-seed",
        needed_for: "chance that repeats, in the kernel; without it, labnet carries the frames itself where there is chance",
        without: State::Note,
        needs: &["network-namespace"],
        attempt: probe_links::netem_seed,
        remedy: || "Linux 6.7 or newer, with netem".into(),
    },
    Known {
        name: "tbf",
        needed_for: "links with a rate, in the kernel; without it, labnet carries their frames itself",
        without: State::Note,
        needs: &["network-namespace"],
        attempt: probe_links::tbf,
        remedy: || "sudo modprobe sch_tbf, where the kernel has it".into(),
    },
    Known {
        name: "ifb",
        needed_for: "links that do anything to frames in the kernel; without it, labnet carries their frames itself",
        without: State::Note,
        needs: &["network-namespace"],
        attempt: probe_links::ifb,
        remedy: || "sudo modprobe ifb, where the kernel has it".into(),
    },
    Known {
        name: "backend",
        needed_for: "links that delay and lose frames: who does it, where the topology leaves it to labnet",
        without: State::Note,
        needs: &["network-namespace"],
        attempt: probe_links::backend,
        remedy: String::new,
    },
    Known {
        name: "nftables",
        needed_for: "nothing yet; firewalls and address translation in nodes, by programs such as nft",
        without: State::Note,
        needs: &["network-namespace"],
        attempt: probe::nftables,
        remedy: || "sudo modprobe nf_tables".into(),
    },
    Known {
        name: "open-files",
        needed_for: "nodes: init holds some descriptors for each",
        without: State::Missing,
        needs: &[],
        attempt: probe::open_files,
        remedy: || {
            "sudo prlimit --pid $$ --nofile=1048576:1048576, then labnet in the same shell".into()
        },
    },
    Known {
        name: "namespace-limits",
        needed_for: "nodes: each has three namespaces, counted for the user over all labs",
        without: State::Missing,
        needs: &[],
        attempt: probe::namespace_limits,
        remedy: || {
            "sudo sysctl -w user.max_net_namespaces=65536 user.max_mnt_namespaces=65536 \
             user.max_uts_namespaces=65536"
                .into()
        },
    },
    Known {
        name: "neighbour-table",
        needed_for: "neighbours (ARP, NDP): all namespaces of a machine share one table; when a big lab fills it, nobody finds anybody",
        without: State::Note,
        needs: &[],
        attempt: probe::neighbour_table,
        remedy: || {
            "sudo sysctl -w net.ipv4.neigh.default.gc_thresh3=16384 \
             net.ipv6.neigh.default.gc_thresh3=16384 on the machine itself"
                .into()
        },
    },
    Known {
        name: "state-directory",
        needed_for: "the directory that a running lab is found by",
        without: State::Missing,
        needs: &[],
        attempt: probe::state_directory,
        remedy: || "export XDG_RUNTIME_DIR=$(mktemp -d); for root, make /run writable".into(),
    },
    Known {
        name: "lab",
        needed_for: "the proof: a lab with two nodes, a link and two servers",
        without: State::Missing,
        needs: &[],
        attempt: probe::lab,
        remedy: || {
            "what is missing above; if nothing is, please report this with the output of \
             `labnet doctor --json`"
                .into()
        },
    },
];

const MOUNT: &str = "in a container, allow mount(2): `docker run --privileged`, or `--security-opt apparmor=unconfined`";

/// Containers hide parts of /proc and /sys; user namespaces in them then may not mount new ones, which would show all.
const UNMASK: &str = "in a container, show all of /proc and /sys: `docker run --security-opt systempaths=unconfined`, `podman run --security-opt unmask=ALL`";
