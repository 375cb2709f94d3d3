//! Any bytes as a recording of how fast a link was: its chances never go back, and it begins again.

#![no_main]

use labnet::impairment::Trace;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Trace::parse("cell.trace", text) {
        Ok(trace) => {
            assert!((1..=text.lines().count()).contains(&trace.chances().len()));
            assert!(trace.length() > 0);
            let count = trace.chances().len() as u64;
            // Two rounds, and the end of time.
            for index in (0..2 * count + 1).chain(u64::MAX - 2..u64::MAX) {
                assert!(trace.chance(index) <= trace.chance(index + 1));
            }
            assert_eq!(trace.chance(count), u64::from(trace.length()) + trace.chance(0));
            assert_eq!(Trace::new(trace.name(), trace.chances().to_vec()).as_ref(), Ok(&trace));
        }
        Err(error) => {
            assert!((1..=text.lines().count() + 1).contains(&error.line));
            assert!(error.to_string().len() < 512);
        }
    }
});
