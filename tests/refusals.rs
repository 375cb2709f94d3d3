//! Labs on machines that refuse something: an error that helps, or a lab with a substitute and a note.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod conditions;

use std::{
    env,
    process::{ExitCode, Output},
    time::Duration,
};

use conditions::{machine, run, trial_elsewhere};
use labnet::{Lab, TestOptions, TestResult};
use libtest_mimic::Arguments;

/// Has this program be a failing or passing labnet test, to be run on another machine.
const AS_TEST: &str = "LABNET_REFUSALS_AS_TEST";

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where no lab can come up, `up` names the step, the error and the way on, and exits with 4.
fn refused(machine: &str, parts: &[&str]) {
    let output = run(machine, "exec \"$LABNET\" up @sockets");
    let message = stderr(&output);
    assert!(message.starts_with("labnet: cannot "), "{message}");
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
    assert_eq!(output.status.code(), Some(4), "{message}");
}

const REFUSED: [(&str, &str, &[&str]); 7] = [
    (
        "no_user_namespaces",
        machine::WITHOUT_USER_NAMESPACES,
        &["create a user namespace", "(ENOSPC)", "`labnet doctor`"],
    ),
    (
        "no_network_namespaces",
        machine::WITHOUT_NET_NAMESPACES,
        &["network, mount and UTS namespaces", "(ENOSPC)", "`labnet doctor`"],
    ),
    (
        "no_pid_namespaces",
        machine::WITHOUT_PID_NAMESPACES,
        &["create a PID namespace", "(ENOSPC)", "`labnet doctor`"],
    ),
    (
        "no_capabilities",
        machine::WITHOUT_CAPABILITIES,
        &["/proc/self/uid_map", "(EPERM)", "`labnet doctor`"],
    ),
    ("few_open_files", machine::WITH_FEW_FILES, &["(EMFILE)", "`labnet doctor`"]),
    (
        "read_only_sysctls",
        machine::WITH_READ_ONLY_SYSCTLS,
        &["cannot set net.", " in the switches", "(EROFS)", "`labnet doctor`"],
    ),
    (
        "no_state_directory",
        machine::WITHOUT_STATE_DIRECTORY,
        &["for the lab's state", "(EROFS)", "XDG_RUNTIME_DIR"],
    ),
];

/// Where a lab comes up with a substitute, programs are ready, run and reach each other, and a note says what is different.
fn substituted(machine: &str, note: &[&str]) {
    let script = "set -e
        \"$LABNET\" up @sockets >/dev/null
        \"$LABNET\" wait R2 tcp:5002
        \"$LABNET\" exec KALI -- labnet echo send 10.10.10.2:5001 SECRET 42
        \"$LABNET\" exec KALI -- sh -c 'grep R2 /etc/hosts; hostname; ls -d /proc/self'
        \"$LABNET\" logs R2 file
        \"$LABNET\" down";
    let output = run(machine, script);
    assert!(output.status.success(), "{output:?}");
    for part in ["Received: Digits: 42, Total Digits: 2\n", "10.10.10.2 R2\nKALI\n/proc/self\n"] {
        assert!(stdout(&output).contains(part), "no {part:?} in: {output:?}");
    }
    let notes = stderr(&output);
    assert_eq!(notes.matches("note: ").count(), usize::from(!note.is_empty()), "{notes}");
    for part in note {
        assert!(notes.contains(part), "no {part:?} in: {notes}");
    }
}

const SUBSTITUTED: [(&str, &str, &[&str]); 5] = [
    ("usual", machine::USUAL, &[]),
    (
        "masked_proc",
        machine::WITH_MASKED_PROC,
        &["mount the lab's own /proc", "(EPERM)", "readiness does not look at a socket's owner"],
    ),
    (
        "masked_sys",
        machine::WITH_MASKED_SYS,
        &["mount the node's own /sys", "(EPERM)", "/sys shows the host's interfaces"],
    ),
    (
        "no_overlay",
        machine::WITHOUT_OVERLAY,
        &["mount an overlay on /etc", "(EINVAL)", "own hosts, resolv.conf, nsswitch.conf only"],
    ),
    (
        "no_overlay_nor_resolv_conf",
        machine::WITHOUT_OVERLAY_AND_RESOLV_CONF,
        &["mount an overlay on /etc", "own hosts, nsswitch.conf only"],
    ),
];

/// A test in which a program of its own gets ready.
async fn programs_get_ready(lab: Lab) -> TestResult {
    let server = lab.node("KALI").command("labnet echo serve 10.10.10.3:7").spawn().await?;
    server.ready("tcp:7").await?;
    lab.node("R2").command("labnet echo send 10.10.10.3:7 hi").run().await?.success()?;
    Ok(())
}

fn as_test(machine: &str) -> Output {
    run(machine, &format!("exec env {AS_TEST}=1 \"$TEST\""))
}

fn programs_of_tests_get_ready_without_own_proc() {
    let output = as_test(machine::WITH_MASKED_PROC);
    assert!(output.status.success(), "{}", stderr(&output));
}

fn a_test_that_gets_no_lab_tells_what_doctor_would() {
    let output = as_test(machine::WITHOUT_NET_NAMESPACES);
    let message = stderr(&output);
    assert!(message.contains("the lab did not come up: cannot create"), "{message}");
    let advice = "network-namespace: cannot create a network namespace: \
                  No space left on device (ENOSPC)\n    remedy: sudo sysctl -w user.max_net_namespaces=65536\n";
    assert!(message.contains(advice), "{message}");
    assert!(!output.status.success());
}

/// As many nodes as doctor promises come up, and no lab is half there if there are too many.
fn the_promised_number_of_nodes_comes_up() {
    let script = "set -e
        ulimit -n 100
        nodes=$(\"$LABNET\" doctor --json | sed -n 's/.*files is 100: enough for about \\([0-9]*\\) nodes.*/\\1/p')
        printf '[networks.lan]\\nsubnet = \"10.0.0.0/24\"\\n[nodes.\"n{1..%d}\"]\\ninterfaces.eth0 = \"lan\"\\n' $nodes >$XDG_RUNTIME_DIR/lab.toml
        \"$LABNET\" up $XDG_RUNTIME_DIR/lab.toml >/dev/null
        \"$LABNET\" down
        sed -i s/$nodes/$((nodes + 5))/ $XDG_RUNTIME_DIR/lab.toml
        \"$LABNET\" up $XDG_RUNTIME_DIR/lab.toml || echo $nodes, then exit code $?";
    let output = run(machine::USUAL, script);
    assert_eq!(stdout(&output).lines().last(), Some("16, then exit code 4"), "{output:?}");
    assert!(stderr(&output).contains("(EMFILE)"), "{output:?}");
}

fn main() -> ExitCode {
    if env::var_os(AS_TEST).is_some() {
        let options = TestOptions {
            topology: "topology/sockets-lab.toml",
            package: env!("CARGO_MANIFEST_DIR"),
            name: "refusals::programs_get_ready",
            timeout: Duration::from_secs(60),
        };
        labnet::run_test(options, programs_get_ready);
        return ExitCode::SUCCESS;
    }
    let mut trials = vec![
        trial_elsewhere(
            "programs_of_tests_get_ready_without_own_proc",
            programs_of_tests_get_ready_without_own_proc,
        ),
        trial_elsewhere(
            "a_test_that_gets_no_lab_tells_what_doctor_would",
            a_test_that_gets_no_lab_tells_what_doctor_would,
        ),
        trial_elsewhere(
            "the_promised_number_of_nodes_comes_up",
            the_promised_number_of_nodes_comes_up,
        ),
    ];
    trials.extend(REFUSED.map(|(name, machine, parts)| {
        trial_elsewhere(format!("{name}_is_an_error_that_helps"), move || refused(machine, parts))
    }));
    trials.extend(SUBSTITUTED.map(|(name, machine, note)| {
        trial_elsewhere(format!("{name}_is_lived_with"), move || substituted(machine, note))
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
