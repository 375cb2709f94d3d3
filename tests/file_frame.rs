//! The frames of `labnet file --verify`: their bytes, and bytes that are none.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

use labnet::apps::file::{
    check_name,
    frame::{Frame, FrameError, HEADER, MAGIC, MAX_BODY, VERSION},
};
use proptest::{collection::vec, prelude::*};

fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
    let (header, body) = bytes.split_first_chunk().unwrap();
    Frame::decode(header, body)
}

#[test]
fn an_offer_has_the_documented_bytes() {
    let hash = blake3::hash(b"x");
    let frame = Frame::Offer { length: 0x0102, hash, name: "ab".into() }.encode();
    assert_eq!(frame[..HEADER], *b"\x89LABNET\n\x01\x01\x00\x2a");
    assert_eq!(frame[12..20], [0, 0, 0, 0, 0, 0, 1, 2]);
    assert_eq!(frame[20..52], *hash.as_bytes());
    assert_eq!(frame[52..], *b"ab");
}

#[test]
fn bytes_that_are_no_frame_are_told_apart() {
    let header = |magic: [u8; 8], version, kind, length: u16| {
        let [high, low] = length.to_be_bytes();
        [&magic[..], &[version, kind, high, low]].concat()
    };
    let cases = [
        (header(*b"GET / HT", VERSION, 2, 8), FrameError::Magic),
        (header(MAGIC, 2, 2, 8), FrameError::Version(2)),
        (header(MAGIC, VERSION, 0, 8), FrameError::Kind(0)),
        (header(MAGIC, VERSION, 5, 8), FrameError::Kind(5)),
        (header(MAGIC, VERSION, 2, 1025), FrameError::TooLong(1025)),
        (header(MAGIC, VERSION, 2, 8), FrameError::Body(2)),
        (header(MAGIC, VERSION, 1, 0), FrameError::Body(1)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decode(&bytes), Err(expected));
    }
}

#[test]
fn a_reason_is_cut_at_a_character_and_shown_without_control_characters() {
    let reason = format!("a\x1b{}", "ä".repeat(MAX_BODY));
    let Frame::Refused { reason } = decode(&Frame::Refused { reason }.encode()).unwrap() else {
        panic!("another kind")
    };
    assert_eq!(reason, format!("a {}", "ä".repeat(MAX_BODY / 2 - 1)));
}

fn frames() -> impl Strategy<Value = Frame> {
    let hash = any::<[u8; 32]>().prop_map(blake3::Hash::from);
    prop_oneof![
        (any::<u64>(), hash.clone(), "[^\\p{Cc}]{0,200}")
            .prop_map(|(length, hash, name)| Frame::Offer { length, hash, name }),
        any::<u64>().prop_map(|offset| Frame::Resume { offset }),
        hash.prop_map(|hash| Frame::Stored { hash }),
        "[^\\p{Cc}]{0,200}".prop_map(|reason| Frame::Refused { reason }),
    ]
}

proptest! {
    #[test]
    fn every_frame_is_read_as_it_was_written(frame in frames()) {
        let bytes = frame.encode();
        let header = bytes.first_chunk().unwrap();
        prop_assert_eq!(Frame::body_length(header), Ok(bytes.len() - HEADER));
        prop_assert_eq!(decode(&bytes), Ok(frame));
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(header in any::<[u8; HEADER]>(), body in vec(any::<u8>(), 0..100)) {
        prop_assert!(Frame::body_length(&header).is_err());
        prop_assert!(Frame::decode(&header, &body).is_err());
    }

    #[test]
    fn arbitrary_bodies_are_read_or_refused(kind in any::<u8>(), body in vec(any::<u8>(), 0..2000)) {
        let mut header = *b"\x89LABNET\n\x01\x00\x00\x00";
        header[9] = kind;
        header[10..].copy_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
        if let Ok(length) = Frame::body_length(&header) {
            prop_assert!(length <= MAX_BODY);
        }
        if let Ok(frame) = Frame::decode(&header, &body) {
            prop_assert!(body.len() <= MAX_BODY);
            let reencoded = frame.encode();
            let verbatim = !matches!(frame, Frame::Refused { .. });
            prop_assert!(!verbatim || reencoded[HEADER..] == body);
        }
    }

    #[test]
    fn an_accepted_name_stays_in_its_directory(name in any::<String>()) {
        if check_name(&name).is_ok() {
            let components: Vec<_> = std::path::Path::new(&name).components().collect();
            prop_assert!(matches!(components[..], [std::path::Component::Normal(_)]));
            prop_assert!(name.len() <= 200 && !name.contains(char::is_control));
        }
    }
}
