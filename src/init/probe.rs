//! How each feature is tried; every function runs in a process of its own.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, openat2},
    sched::{CloneFlags, unshare},
    sys::resource::{Resource, getrlimit},
    unistd::{getpid, getuid, sethostname},
};

use super::{
    doctor::{Finding, apart},
    error::LabError,
    launch::{Launched, launch},
    node::{DESCRIPTORS, write_sysctl},
    protocol::{Message, Reply, Start, decode},
    runtime::{self, LabDir},
};
use crate::{
    kernel::{
        self, Attempt, BridgeLink, InetSocket, KernelError, Namespace, NamespaceKind, Netlink,
        VethEnd, add_route, has_capability, inet_socket, map_root, mount_private, offload_off,
        pidfd_open, set_up, wait_readable,
    },
    plan::{self, Congestion},
    spec,
};

pub(super) type Attempted = Result<Finding, KernelError>;

/// `lo` in every namespace.
pub(super) const LOOPBACK: u32 = 1;
/// How long a frame may take through `lo`.
const FRAME: Duration = Duration::from_secs(5);
/// Descriptors that init holds besides those of nodes, for a client and two programs.
const SPARE_DESCRIPTORS: u64 = 18;
/// Nodes in a lab that is not worth a thought; fewer than these are worth a note.
const MANY_NODES: u64 = 500;

/// A kernel setting as sysctl(8) shows it, if it can be read.
fn setting(key: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new("/proc/sys").join(key.replace('.', "/"))).ok()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn shown(key: &str) -> String {
    match setting(key) {
        Some(value) => format!("; {key} = {value}"),
        None => String::new(),
    }
}

/// The remedy for a kind of namespace that can't be had.
pub(super) fn raise(key: &str) -> String {
    match setting(key).as_deref() {
        Some("0") => format!("sudo sysctl -w {key}=65536"),
        _ => format!(
            "raise {key} (on the machine itself, if this is a container); a kernel without this kind of namespace won't do"
        ),
    }
}

/// Moves this process into new namespaces; without privilege, into a user namespace first.
fn enter(flags: CloneFlags, what: &str) -> Result<(), KernelError> {
    if !has_capability() {
        map_root()?;
    }
    unshare(flags).attempt(|| format!("create a {what}"))?;
    if flags.contains(CloneFlags::CLONE_NEWNS) { mount_private() } else { Ok(()) }
}

pub(super) fn enter_network() -> Result<Netlink, KernelError> {
    enter(CloneFlags::CLONE_NEWNET, "network namespace")?;
    Netlink::open()
}

fn enter_mount() -> Result<(), KernelError> {
    enter(CloneFlags::CLONE_NEWNS, "mount namespace")
}

pub(super) fn kernel() -> Attempted {
    let release = setting("kernel.osrelease").unwrap_or_default();
    pidfd_open(process::id() as i32)?;
    openat2(nix::fcntl::AT_FDCWD, "/", OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC))
        .attempt(|| "open / with openat2(2)")?;
    Ok(Finding::ok(format!("Linux {release} on {}", std::env::consts::ARCH)))
}

pub(super) fn privilege() -> Attempted {
    Ok(Finding::ok(if has_capability() {
        "root: labs need no user namespace".to_owned()
    } else {
        format!("not root (uid {}): labs live in user namespaces", getuid())
    }))
}

pub(super) fn user_namespace() -> Attempted {
    // The new namespace has a limit of its own.
    let limit = shown("user.max_user_namespaces");
    match unshare(CloneFlags::CLONE_NEWUSER).attempt(|| "create a user namespace") {
        Ok(()) => Ok(Finding::ok(format!("created{limit}"))),
        Err(error) if has_capability() => Ok(Finding::note(format!("{error}; root needs none"))),
        Err(error) => Err(error),
    }
}

pub(super) fn user_namespace_remedy() -> String {
    const DEBIAN: &str = "kernel.unprivileged_userns_clone";
    if setting(DEBIAN).as_deref() == Some("0") {
        return format!("sudo sysctl -w {DEBIAN}=1, or run as root");
    }
    match setting("user.max_user_namespaces").as_deref() {
        Some("0") => "sudo sysctl -w user.max_user_namespaces=65536, or run as root".into(),
        _ => "run as root; in a container, allow unshare(2): `docker run --security-opt seccomp=unconfined`".into(),
    }
}

const APPARMOR: &str = "kernel.apparmor_restrict_unprivileged_userns";

/// Ubuntu's AppArmor lets the namespace be made, and then strips the capabilities in it: only using them tells.
pub(super) fn capabilities() -> Attempted {
    if !has_capability() {
        map_root()?;
    }
    match unshare(CloneFlags::CLONE_NEWNET) {
        Err(Errno::EPERM) => Err(KernelError::new(
            "create a network namespace in the new user namespace",
            Errno::EPERM,
        )),
        // Any other failure comes after the kernel's look at the capabilities.
        _ => Ok(Finding::ok(format!("effective{}", shown(APPARMOR)))),
    }
}

pub(super) fn capabilities_remedy() -> String {
    match setting(APPARMOR).as_deref() {
        Some("0") | None if getuid().is_root() => "root has no CAP_SYS_ADMIN and CAP_NET_ADMIN here, and without CAP_SETFCAP may not map itself into a user namespace: be another user, or in a container `docker run --privileged`".into(),
        Some("0") | None => "run as root; a security module takes the capabilities away (SELinux or AppArmor: see `dmesg`)".into(),
        Some(_) => format!("sudo sysctl -w {APPARMOR}=0, or run as root, or give this program an AppArmor profile that allows `userns`"),
    }
}

pub(super) fn pid_namespace() -> Attempted {
    enter(CloneFlags::CLONE_NEWPID, "PID namespace")?;
    match apart(|| Ok(getpid().as_raw()))? {
        1 => Ok(Finding::ok("created")),
        pid => Err(KernelError::odd("be PID 1 of a PID namespace", format!("the pid is {pid}"))),
    }
}

pub(super) fn network_namespace() -> Attempted {
    enter_network()?;
    Ok(Finding::ok("created"))
}

pub(super) fn mount_namespace() -> Attempted {
    enter_mount()?;
    Ok(Finding::ok("created"))
}

pub(super) fn uts_namespace() -> Attempted {
    enter(CloneFlags::CLONE_NEWUTS, "UTS namespace")?;
    sethostname("doctor").attempt(|| "set the host name in a UTS namespace")?;
    Ok(Finding::ok("created"))
}

pub(super) fn tmpfs() -> Attempted {
    enter_mount()?;
    kernel::tmpfs(Path::new("/tmp"))?;
    Ok(Finding::ok("mounted"))
}

pub(super) fn proc() -> Attempted {
    enter(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS, "PID and mount namespace")?;
    apart(kernel::proc)?;
    Ok(Finding::ok("mounted"))
}

pub(super) fn sysctl() -> Attempted {
    let flags = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
    enter(flags, "PID, mount and network namespace")?;
    apart(|| {
        // Without one of its own, a lab has the machine's /proc, as here.
        let _ = kernel::proc();
        write_sysctl("net.ipv4.ip_forward", "0", "a network namespace")
    })?;
    Ok(Finding::ok("writable in a network namespace"))
}

pub(super) fn sysfs() -> Attempted {
    enter(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET, "mount and network namespace")?;
    kernel::sysfs()?;
    Ok(Finding::ok("mounted"))
}

pub(super) fn overlay() -> Attempted {
    let root = Path::new("/tmp");
    enter_mount()?;
    kernel::tmpfs(root)?;
    let [own, upper, work] = ["own", "upper", "work"].map(|folder| root.join(folder));
    for folder in [&own, &upper, &work] {
        fs::create_dir(folder).attempt(|| format!("make the folder {}", folder.display()))?;
    }
    kernel::overlay_etc(&own, &upper, &work)?;
    let change = || {
        fs::write("/etc/labnet-doctor.new", "")?;
        fs::rename("/etc/labnet-doctor.new", "/etc/hosts")
    };
    change().attempt(|| "change /etc in an overlay")?;
    Ok(Finding::ok("mounted on /etc"))
}

pub(super) fn veth() -> Attempted {
    enter_network()?;
    let far_namespace = Namespace::current(NamespaceKind::Net)?;
    unshare(CloneFlags::CLONE_NEWNET).attempt(|| "create a second network namespace")?;
    let end = |name, index| VethEnd { name, index, mtu: 1500, mac: None, bridge: None };
    let step = "create a pair of virtual Ethernet interfaces between two network namespaces";
    let pair = kernel::veth(step.into(), &end("near", 16), &end("far", 16), far_namespace.as_fd());
    Netlink::open()?.apply(vec![pair])?;
    offload_off(any_udp()?, "near")?;
    Ok(Finding::ok("created, and its offloads switched off"))
}

pub(super) fn bridge() -> Attempted {
    let link = BridgeLink { name: "switch", index: 16, mtu: 1500 };
    enter_network()?.apply(vec![kernel::bridge("create a bridge".into(), &link)])?;
    Ok(Finding::ok("created"))
}

pub(super) fn cubic() -> Attempted {
    let mut netlink = enter_network()?;
    let invalid =
        |error: &dyn std::fmt::Display| KernelError::odd("name a route", error.to_string());
    let route = plan::Route {
        to: "192.0.2.0/24".parse().map_err(|error| invalid(&error))?,
        interface: "lo".parse().map_err(|error| invalid(&error))?,
        via: None,
        source: None,
        congestion: Congestion::Cubic,
    };
    netlink.apply(vec![
        set_up("raise lo".into(), LOOPBACK),
        add_route("add a route with congestion control cubic".into(), LOOPBACK, &route),
    ])?;
    Ok(Finding::ok("accepted for a route"))
}

pub(super) fn sock_diag() -> Attempted {
    const PORT: u16 = 5001;
    enter_network()?;
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    let _listener = inet_socket(InetSocket::TcpListener(address))?;
    let found = kernel::sockets(kernel::Which::Listening)?;
    if found.iter().any(|socket| socket.port == PORT) {
        Ok(Finding::ok("shows a listening socket"))
    } else {
        Err(KernelError::odd("see a listening socket by sock_diag(7)", "it is not listed"))
    }
}

pub(super) fn packet_socket() -> Attempted {
    enter_network()?.apply(vec![set_up("raise lo".into(), LOOPBACK)])?;
    let socket = kernel::packet_socket()?;
    let step = || "send a datagram over lo";
    let sender = std::net::UdpSocket::from(any_udp()?);
    sender.send_to(b"labnet", (IpAddr::from(Ipv4Addr::LOCALHOST), 9)).attempt(step)?;
    if wait_readable(&[socket.as_fd()], Some(FRAME)).attempt(|| "wait for a frame")?[0] {
        Ok(Finding::ok("saw a frame"))
    } else {
        Err(KernelError::odd("capture a frame on lo", "none was seen"))
    }
}

pub(super) fn nftables() -> Attempted {
    enter_network()?;
    kernel::nftables_generation()?;
    Ok(Finding::ok("answers"))
}

fn any_udp() -> Result<OwnedFd, KernelError> {
    inet_socket(InetSocket::Udp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))))
}

pub(super) fn open_files() -> Attempted {
    let (_, hard) =
        getrlimit(Resource::RLIMIT_NOFILE).attempt(|| "read the limit of open files")?;
    let nodes = hard.saturating_sub(SPARE_DESCRIPTORS) / DESCRIPTORS;
    limited(nodes, format!("the hard limit of open files is {hard}"))
}

pub(super) fn namespace_limits() -> Attempted {
    let limits = ["user.max_net_namespaces", "user.max_mnt_namespaces", "user.max_uts_namespaces"]
        .into_iter()
        .filter_map(|key| Some((setting(key)?.parse::<u64>().ok()?, key)));
    match limits.min() {
        // One more of each is the lab's own.
        Some((limit, key)) => limited(limit.saturating_sub(1), format!("{key} = {limit}")),
        None => Ok(Finding::note("user.max_net_namespaces can't be read")),
    }
}

/// A limit and the number of nodes that it allows.
fn limited(nodes: u64, limit: String) -> Attempted {
    if nodes < 2 {
        return Err(KernelError::odd("make a lab of two nodes", limit));
    }
    let text = format!("{limit}: enough for about {nodes} nodes");
    Ok(if nodes < MANY_NODES { Finding::note(text) } else { Finding::ok(text) })
}

pub(super) fn neighbour_table() -> Attempted {
    const KEY: &str = "net.ipv4.neigh.default.gc_thresh3";
    /// The kernel's default.
    const USUAL: u64 = 1024;
    let Some(limit) = setting(KEY).and_then(|value| value.parse::<u64>().ok()) else {
        return Ok(Finding::note(format!("{KEY} can't be read here, only on the machine itself")));
    };
    let text = format!(
        "{KEY} = {limit} for all labs and the machine together: enough for about {} neighbours",
        limit / 2
    );
    Ok(if limit < USUAL { Finding::note(text) } else { Finding::ok(text) })
}

pub(super) fn state_directory() -> Attempted {
    let directory = LabDir::claim(None).map_err(plain)?;
    let path = directory.fs().with_file_name("state.new");
    // A folder can be made where there is no room for what is to be in it.
    let written = fs::write(&path, "room").attempt(|| format!("write {}", path.display()));
    directory.remove(None);
    written?;
    Ok(Finding::ok(format!("{} is writable", runtime::root().display())))
}

/// Brings the built-in sockets lab up and down, for this process alone.
pub(super) fn lab() -> Attempted {
    const STEP: &str = "bring the built-in sockets lab up";
    let odd = |said: String| KernelError::odd(STEP, said);
    let spec = spec::builtin("sockets").ok_or_else(|| odd("there is none".into()))?;
    let plan =
        spec.and_then(|spec| plan::resolve(&spec)).map_err(|error| odd(error.to_string()))?;
    let begin = Instant::now();
    let start = Start { plan, base: "/".into(), public: None };
    let Launched { channel, supervisor } = launch(&start).map_err(plain)?;
    let answer = channel.recv();
    let took = begin.elapsed();
    channel.shut_down();
    supervisor.wait().attempt(|| "wait for the lab's end")?;
    let (bytes, _) = answer.map_err(|_| odd("its processes are gone".into()))?;
    match decode::<Message<Reply>>(&bytes).map_err(plain)?.body {
        Reply::Ready(_) => Ok(Finding::ok(format!("up and ready in {} ms", took.as_millis()))),
        Reply::Failed(error) => Err(plain(error)),
        other => Err(plain(LabError::unexpected(&other))),
    }
}

/// The failed step, without the pointer to this very program.
fn plain(error: LabError) -> KernelError {
    match error {
        LabError::Kernel { error } => error,
        LabError::StateDirectory { path, why } => {
            KernelError::odd(format!("use {} for the lab's state", path.display()), why)
        }
        other => KernelError::odd("have a lab", other.to_string()),
    }
}
