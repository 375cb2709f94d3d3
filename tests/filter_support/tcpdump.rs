//! tcpdump as the reference: which frames it selects, and the programs it compiles.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use labnet::packet::filter::Instruction;

use super::Frame;

/// A file of frames for tcpdump to read.
pub(crate) struct Recording {
    folder: tempfile::TempDir,
}

impl Recording {
    /// Writes classic pcap in which each frame's number is its second.
    pub(crate) fn of(frames: &[Frame]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        let word = |bytes: &mut Vec<u8>, word: u32| bytes.extend(word.to_le_bytes());
        for value in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1] {
            word(&mut bytes, value);
        }
        for (number, frame) in frames.iter().enumerate() {
            for value in [number as u32, 0, frame.bytes.len() as u32, frame.length] {
                word(&mut bytes, value);
            }
            bytes.extend(&frame.bytes);
        }
        fs::write(folder.path().join("frames.pcap"), bytes).unwrap();
        Self { folder }
    }

    fn tcpdump(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        // As standard input: tcpdump may give up its privileges before it opens a file.
        let input = File::open(self.folder.path().join("frames.pcap")).unwrap();
        let output = Command::new("tcpdump")
            .args(["-r", "-"])
            .args(arguments)
            .stdin(input)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The numbers of the frames that tcpdump selects, or why it refuses the expression. `optimise` as it does by itself.
    pub(crate) fn selected(
        &self,
        frames: &[Frame],
        filter: &str,
        optimise: bool,
    ) -> Result<Vec<usize>, String> {
        let option = if optimise { "-n" } else { "-O" };
        let written = match self.tcpdump(&[option, "-w", "-", "--", filter]) {
            Err(reason) if matches_nothing(&reason) => return Ok(Vec::new()),
            other => other?,
        };
        let mut rest = &written[24..];
        let mut selected = Vec::new();
        while let Some((header, after)) = rest.split_first_chunk::<16>() {
            let word =
                |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| header[at + i])) as usize;
            let (bytes, after) = after.split_at(word(8));
            assert_eq!(bytes, frames[word(0)].bytes);
            selected.push(word(0));
            rest = after;
        }
        Ok(selected)
    }

    /// The program that tcpdump makes of an expression, or why it makes none.
    pub(crate) fn program(&self, filter: &str) -> Result<Vec<Instruction>, String> {
        let listing = match self.tcpdump(&["-ddd", "--", filter]) {
            Err(reason) if matches_nothing(&reason) => {
                return Ok(vec![Instruction { code: 6, jt: 0, jf: 0, k: 0 }]);
            }
            other => other?,
        };
        let listing = String::from_utf8(listing).unwrap();
        let instruction = |line: &str| {
            let mut numbers = line.split(' ').map(|number| number.parse::<u32>().unwrap());
            let mut next = || numbers.next().unwrap();
            let (code, jt, jf, k) = (next() as u16, next() as u8, next() as u8, next());
            Instruction { code, jt, jf, k }
        };
        let program: Vec<_> = listing.lines().skip(1).map(instruction).collect();
        assert_eq!(listing.lines().next(), Some(&*program.len().to_string()));
        Ok(program)
    }
}

/// tcpdump refuses some expressions that no frame matches.
fn matches_nothing(reason: &str) -> bool {
    reason.contains("expression rejects all packets")
}
