//! tshark as the reference: application protocols off, names not resolved, one pass.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// What stays enabled: the protocols that labnet decodes, and what tshark needs to reach them.
const ENABLED: &str = "frame eth ethertype vlan ieee8021ad arp ip ipv6 ipv6.hopopts ipv6.routing \
    ipv6.fraghdr ipv6.dstopts icmp icmpv6 udp tcp data pkt_comment";

/// Why tests can't run, if they can't.
pub(crate) fn missing() -> Option<String> {
    let version = Command::new("tshark").arg("--version").stderr(Stdio::null()).output();
    let Ok(version) = version else { return Some("tshark is not installed".to_owned()) };
    let text = String::from_utf8_lossy(&version.stdout);
    let line = text.lines().next().unwrap_or_default().to_owned();
    (!line.contains(" 4.0.")).then(|| format!("`{line}` is not of version 4.0"))
}

/// tshark with a configuration of its own.
pub(crate) struct Tshark {
    configuration: TempDir,
}

impl Tshark {
    pub(crate) fn new() -> Self {
        let known = Command::new("tshark").args(["-G", "protocols"]).output().unwrap().stdout;
        let known = String::from_utf8(known).unwrap();
        let names = known.lines().filter_map(|line| line.split('\t').nth(2));
        let disabled = names.filter(|name| !ENABLED.split_whitespace().any(|kept| kept == *name));
        let list: String = disabled.map(|name| format!("{name}\n")).collect();
        assert!(list.lines().count() > 1000, "tshark names few protocols: {known}");
        let configuration = TempDir::new().unwrap();
        fs::write(configuration.path().join("disabled_protos"), list).unwrap();
        Self { configuration }
    }

    /// What `tshark -n -r FILE` prints.
    pub(crate) fn list(&self, recording: &Path) -> String {
        self.run(recording, &[])
    }

    /// What `tshark -n -r FILE` prints with more options.
    pub(crate) fn run(&self, recording: &Path, options: &[&str]) -> String {
        let mut command = self.command();
        let output = command.args(["-n", "-r"]).arg(recording).args(options).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
    /// tshark, to be told what to do.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("tshark");
        command.env("WIRESHARK_CONFIG_DIR", self.configuration.path());
        command
    }
}
