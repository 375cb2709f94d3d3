//! Text up to a NUL byte as a filter, the bytes after it as a frame: the program stays within itself and returns what it should.

#![no_main]

use labnet::packet::{Filter, filter::run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (text, frame) = input.split_at(end);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let bytes = frame.get(1..).unwrap_or_default();
    let length = bytes.len() as u32;
    match Filter::parse(text) {
        Ok(filter) => {
            let program = filter.program();
            assert!((1..=4096).contains(&program.len()));
            for (at, instruction) in program.iter().enumerate() {
                let skipped = match instruction.code {
                    0x05 => instruction.k as usize,
                    _ => usize::from(instruction.jt.max(instruction.jf)),
                };
                assert!(at + skipped < program.len(), "{text}");
            }
            let kept = run(program, bytes, length);
            assert!(kept == 0 || kept == 262_144, "{text}");
            assert_eq!(filter.matches(bytes, length), kept > 0);
            assert_eq!(filter.to_string().parse().as_ref(), Ok(&filter));
        }
        Err(error) => {
            assert!(error.column() <= text.chars().count() + 1);
            assert!(error.to_string().len() < 4096);
        }
    }
});
