//! The project's files agree with each other.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::{fs, path::Path};

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The text after a key and before the line's end, without quotes.
fn value(text: &str, key: &str) -> String {
    let rest = text.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap();
    rest.trim_matches([' ', '"', '=']).to_owned()
}

#[test]
fn ci_checks_the_rust_version_that_the_manifest_promises() {
    let promised = value(&read("Cargo.toml"), "rust-version");
    assert_eq!(value(&read(".github/workflows/ci.yml"), "MSRV:"), promised);
}

#[test]
fn workflows_use_fixed_actions_and_may_only_read() {
    for file in ["ci.yml", "soak.yml"] {
        let text = read(&format!(".github/workflows/{file}"));
        assert!(text.contains("\npermissions:\n  contents: read\n"), "{file}");
        assert_eq!(text.matches("permissions:").count(), 1, "{file}");
        for line in text.lines().filter(|line| line.contains("uses:")) {
            let (_, used) = line.split_once('@').unwrap();
            let (commit, version) = used.split_once(" # v").unwrap();
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{line}");
            assert!(version.split('.').count() == 3, "{line}");
        }
    }
}
