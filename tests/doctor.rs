//! `labnet doctor` on this machine, and on machines that refuse something.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod conditions;

use std::process::{Command, ExitCode, Output};

use conditions::{machine, run, trial, trial_elsewhere};
use libtest_mimic::Arguments;
use serde_json::Value;

/// Every feature, in order: programs may rely on it.
const NAMES: [&str; 30] = [
    "kernel",
    "privilege",
    "user-namespace",
    "capabilities",
    "pid-namespace",
    "network-namespace",
    "mount-namespace",
    "uts-namespace",
    "tmpfs",
    "proc",
    "sysctl",
    "sysfs",
    "overlay",
    "veth",
    "bridge",
    "cubic",
    "sock-diag",
    "packet-socket",
    "redirect",
    "netem",
    "netem-seed",
    "tbf",
    "ifb",
    "backend",
    "nftables",
    "open-files",
    "namespace-limits",
    "neighbour-table",
    "state-directory",
    "lab",
];

/// The features in the answer to `--json`.
fn features(output: &Output) -> Vec<Value> {
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    answer["features"].as_array().unwrap().clone()
}

fn text<'a>(feature: &'a Value, key: &str) -> &'a str {
    feature[key].as_str().unwrap_or_default()
}

fn this_machine_can_run_labs() {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_labnet"));
    let output = doctor.args(["doctor", "--json"]).output().unwrap();
    let features = features(&output);
    assert!(features.iter().map(|feature| text(feature, "name")).eq(NAMES), "{features:#?}");
    for feature in &features {
        assert!(["ok", "note"].contains(&text(feature, "state")), "{feature:#}");
        assert!(!text(feature, "found").is_empty() && !text(feature, "needed_for").is_empty());
        assert_eq!(feature["remedy"].is_null(), feature["state"] == "ok", "{feature:#}");
    }
    assert_eq!(output.status.code(), Some(0));
}

fn people_read_a_list() {
    let output = Command::new(env!("CARGO_BIN_EXE_labnet")).arg("doctor").output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    for name in NAMES {
        assert!(list.lines().any(|line| line.split_whitespace().nth(1) == Some(name)), "{list}");
    }
    assert!(list.ends_with("\nlabs can run here\n"), "{list}");
    assert!(!list.contains('\x1b'), "colours are for terminals: {list}");
}

/// A machine that refuses something, and what doctor must say of it.
struct Refusal {
    name: &'static str,
    machine: &'static str,
    feature: &'static str,
    state: &'static str,
    /// Parts of what is found: the step and the error.
    found: [&'static str; 2],
    remedy: &'static str,
    /// A feature that is not affected.
    still_ok: &'static str,
}

const REFUSALS: [Refusal; 10] = [
    Refusal {
        name: "no_user_namespaces",
        machine: machine::WITHOUT_USER_NAMESPACES,
        feature: "user-namespace",
        state: "missing",
        found: ["create a user namespace", "ENOSPC"],
        remedy: "sudo sysctl -w user.max_user_namespaces=65536",
        still_ok: "state-directory",
    },
    Refusal {
        name: "no_network_namespaces",
        machine: machine::WITHOUT_NET_NAMESPACES,
        feature: "network-namespace",
        state: "missing",
        found: ["create a network namespace", "ENOSPC"],
        remedy: "sudo sysctl -w user.max_net_namespaces=65536",
        still_ok: "overlay",
    },
    Refusal {
        name: "no_pid_namespaces",
        machine: machine::WITHOUT_PID_NAMESPACES,
        feature: "pid-namespace",
        state: "missing",
        found: ["create a PID namespace", "ENOSPC"],
        remedy: "sudo sysctl -w user.max_pid_namespaces=65536",
        still_ok: "veth",
    },
    Refusal {
        name: "no_capabilities",
        machine: machine::WITHOUT_CAPABILITIES,
        feature: "capabilities",
        state: "missing",
        found: ["/proc/self/uid_map", "EPERM"],
        remedy: "CAP_SETFCAP",
        still_ok: "user-namespace",
    },
    Refusal {
        name: "few_open_files",
        machine: machine::WITH_FEW_FILES,
        feature: "open-files",
        state: "missing",
        found: ["make a lab of two nodes", "the hard limit of open files is 26"],
        remedy: "prlimit",
        still_ok: "veth",
    },
    Refusal {
        name: "no_state_directory",
        machine: machine::WITHOUT_STATE_DIRECTORY,
        feature: "state-directory",
        state: "missing",
        found: ["for the lab's state", "EROFS"],
        remedy: "export XDG_RUNTIME_DIR=",
        still_ok: "veth",
    },
    Refusal {
        name: "read_only_sysctls",
        machine: machine::WITH_READ_ONLY_SYSCTLS,
        feature: "sysctl",
        state: "missing",
        found: ["set net.ipv4.ip_forward = 0", "EROFS"],
        remedy: "systempaths=unconfined",
        still_ok: "veth",
    },
    Refusal {
        name: "no_overlay",
        machine: machine::WITHOUT_OVERLAY,
        feature: "overlay",
        state: "note",
        found: ["mount an overlay on /etc", "EINVAL"],
        remedy: "modprobe overlay",
        still_ok: "lab",
    },
    Refusal {
        name: "a_masked_proc",
        machine: machine::WITH_MASKED_PROC,
        feature: "proc",
        state: "note",
        found: ["mount the lab's own /proc", "EPERM"],
        remedy: "systempaths=unconfined",
        still_ok: "lab",
    },
    Refusal {
        name: "a_masked_sys",
        machine: machine::WITH_MASKED_SYS,
        feature: "sysfs",
        state: "note",
        found: ["mount the node's own /sys", "EPERM"],
        remedy: "systempaths=unconfined",
        still_ok: "lab",
    },
];

impl Refusal {
    fn is_told(&self) {
        let output = run(self.machine, "exec \"$LABNET\" doctor --json");
        let features = features(&output);
        let feature = |name| features.iter().find(|feature| text(feature, "name") == name).unwrap();
        let told = feature(self.feature);
        assert_eq!(told["state"], self.state, "{told:#}");
        for part in self.found {
            assert!(text(told, "found").contains(part), "{told:#}");
        }
        assert!(text(told, "remedy").contains(self.remedy), "{told:#}");
        assert_eq!(feature(self.still_ok)["state"], "ok", "{features:#?}");
        let (lab, code) = if self.state == "missing" { ("missing", 4) } else { ("ok", 0) };
        assert_eq!(feature("lab")["state"], lab, "the real lab tells otherwise: {features:#?}");
        assert_eq!(output.status.code(), Some(code));
    }
}

fn what_depends_on_something_missing_is_not_blamed() {
    let output = run(machine::WITHOUT_NET_NAMESPACES, "exec \"$LABNET\" doctor --json");
    let features = features(&output);
    let veth = features.iter().find(|feature| text(feature, "name") == "veth").unwrap();
    assert_eq!(veth["state"], "untried", "{veth:#}");
    assert_eq!(veth["found"], "it needs network-namespace");
    assert!(veth["remedy"].is_null());
}

/// With privilege over a machine, too, it stays as it is.
fn nothing_is_left_or_changed() {
    let look = "cat /proc/self/mountinfo /etc/hosts; hostname; ls -aR \"$XDG_RUNTIME_DIR\"";
    let machine = format!(
        "look() {{ {look}; }}
         look >\"$XDG_RUNTIME_DIR/.after\"; look >\"$XDG_RUNTIME_DIR/.before\"
         \"$LABNET\" doctor >&2
         look >\"$XDG_RUNTIME_DIR/.after\"
         diff \"$XDG_RUNTIME_DIR/.before\" \"$XDG_RUNTIME_DIR/.after\""
    );
    let output = run(&machine, "true");
    assert!(output.status.success(), "{output:?}");
}

fn main() -> ExitCode {
    let mut trials = vec![
        trial("this_machine_can_run_labs", this_machine_can_run_labs),
        trial("people_read_a_list", people_read_a_list),
        trial_elsewhere("nothing_is_left_or_changed", nothing_is_left_or_changed),
        trial_elsewhere("what_depends_on_something_missing_is_not_blamed", || {
            what_depends_on_something_missing_is_not_blamed();
        }),
    ];
    trials.extend(REFUSALS.into_iter().map(|refusal| {
        trial_elsewhere(format!("{}_is_told", refusal.name), move || refusal.is_told())
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
