//! Machines that refuse something, made for real in namespaces of a test's own, and labnet run on them without root.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::LazyLock,
};

use libtest_mimic::Trial;

/// Shell commands that, as root of a user and a mount namespace, make the machine as a name says.
pub(crate) mod machine {
    pub(crate) const USUAL: &str = ":";
    pub(crate) const WITHOUT_USER_NAMESPACES: &str = "echo 0 >/proc/sys/user/max_user_namespaces";
    pub(crate) const WITHOUT_NET_NAMESPACES: &str = "echo 0 >/proc/sys/user/max_net_namespaces";
    pub(crate) const WITHOUT_PID_NAMESPACES: &str = "echo 0 >/proc/sys/user/max_pid_namespaces";
    /// The namespace is made, but its capabilities can't be used.
    pub(crate) const WITHOUT_CAPABILITIES: &str = "exec setpriv --bounding-set=-all sh -c \"$0\"";
    /// Enough to start, not for two nodes.
    pub(crate) const WITH_FEW_FILES: &str = "ulimit -n 26";
    pub(crate) const WITHOUT_STATE_DIRECTORY: &str =
        "mount -t tmpfs -o ro none \"$XDG_RUNTIME_DIR\"";
    /// What is hidden can't be shown by a new /proc: in a user namespace of its own, nobody may mount one.
    pub(crate) const WITH_MASKED_PROC: &str = "mount -t tmpfs none /proc/irq";
    /// As in containers.
    pub(crate) const WITH_READ_ONLY_SYSCTLS: &str = "mount -t tmpfs none /proc/irq
        mount --bind /proc/sys /proc/sys
        mount -o remount,bind,ro /proc/sys";
    pub(crate) const WITH_MASKED_SYS: &str = "mount -t tmpfs none /sys/kernel";
    /// Overlays may be stacked, but not for ever.
    pub(crate) const WITHOUT_OVERLAY: &str = "mkdir -p \"$XDG_RUNTIME_DIR/empty\"
        while mount -t overlay -o \"lowerdir=/etc:$XDG_RUNTIME_DIR/empty\" none /etc 2>&-; do :; done";
    /// And with little in /etc to bind over, as in small containers.
    pub(crate) const WITHOUT_OVERLAY_AND_RESOLV_CONF: &str = "mkdir \"$XDG_RUNTIME_DIR/etc\" \"$XDG_RUNTIME_DIR/empty\"
        cp /etc/passwd /etc/hosts /etc/nsswitch.conf \"$XDG_RUNTIME_DIR/etc\"
        mount --bind \"$XDG_RUNTIME_DIR/etc\" /etc
        while mount -t overlay -o \"lowerdir=/etc:$XDG_RUNTIME_DIR/empty\" none /etc 2>&-; do :; done";
}

/// A test.
pub(crate) fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// A test on other machines; ignored, with the reason as its kind, where they can't be made.
pub(crate) fn trial_elsewhere(
    name: impl Into<String>,
    test: impl FnOnce() + Send + 'static,
) -> Trial {
    static IMPOSSIBLE: LazyLock<Option<String>> = LazyLock::new(impossible);
    let trial = trial(name, test);
    match &*IMPOSSIBLE {
        None => trial,
        Some(why) => trial.with_ignored_flag(true).with_kind(why),
    }
}

/// Why machines can't be made here, if so.
fn impossible() -> Option<String> {
    for program in ["unshare", "setpriv", "mount"] {
        let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        if found.is_err() {
            return Some(format!("{program} is not installed"));
        }
    }
    let output = on(machine::USUAL, "true", Path::new("/"));
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    (!output.status.success()).then_some(why)
}

/// Runs a shell script on such a machine, without privileges and with `$LABNET` and `$TEST`, this program; nothing may be
/// left when it has ended.
pub(crate) fn run(machine: &str, script: &str) -> Output {
    let state = tempfile::tempdir().unwrap();
    let output = on(machine, script, state.path());
    let left = fs::read_dir(state.path().join("labnet")).into_iter().flatten().count();
    assert_eq!(left, 0, "labnet left something in its state directory: {output:?}");
    output
}

fn on(machine: &str, script: &str, state: &Path) -> Output {
    // Root's capabilities go with the bounding set; CAP_SETFCAP alone must stay for mapping root to root once more.
    let outer = format!("{machine}\nexec setpriv --bounding-set=-all,+setfcap sh -c \"$0\"");
    Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-ec", &outer, script])
        .env("LABNET", env!("CARGO_BIN_EXE_labnet"))
        .env("TEST", std::env::current_exe().unwrap())
        .env("XDG_RUNTIME_DIR", state)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}
