//! Any bytes as a recording: its frames keep their promises, and written again they are the same.

#![no_main]

use labnet::packet::{Frame, Interface, Reader, Writer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (frames, interfaces) = read(bytes);
    let Some(first) = frames.first() else { return };
    assert!(frames.iter().all(|frame| frame.interface < interfaces.len()));
    assert!(frames.iter().all(|frame| frame.bytes.len() <= frame.length as usize));
    assert!(frames.iter().map(|frame| frame.bytes.len()).sum::<usize>() <= bytes.len());

    // With the clock that loses nothing.
    let mut writer = Writer::new(Vec::new(), &Default::default()).expect("memory takes it");
    let mut written = Vec::new();
    for mut interface in interfaces {
        interface.digits = 9;
        // What was no UTF-8 is longer now, and may be too long.
        if writer.add_interface(&interface).is_err() {
            return;
        }
        written.push(interface);
    }
    for frame in &frames {
        if writer.write(frame).is_err() {
            return;
        }
    }
    let again = read(&writer.into_inner());
    assert_eq!(again.0.first(), Some(first));
    assert_eq!(again, (frames, written));
});

/// All that a recording holds before its end or its fault.
fn read(bytes: &[u8]) -> (Vec<Frame<'static>>, Vec<Interface>) {
    let mut frames = Vec::new();
    let Ok(mut reader) = Reader::new(bytes) else { return (frames, Vec::new()) };
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                frames.push(Frame { bytes: frame.bytes.into_owned().into(), ..frame })
            }
            Ok(None) => break,
            Err(error) => {
                assert!(error.offset <= bytes.len() as u64, "{error}");
                break;
            }
        }
    }
    (frames, reader.interfaces().to_vec())
}
