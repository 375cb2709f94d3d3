//! The pure part of `labnet echo`: where a message ends, what is answered, what a digit is.

use labnet::apps::echo::{
    client,
    digits::{UNICODE_VERSION, is_digit},
    message::{may_go_on, reply},
};
use proptest::prelude::*;

#[test]
fn the_digit_table_is_of_the_version_it_says() {
    assert_eq!(UNICODE_VERSION, (16, 0, 0));
    assert!(is_digit('\u{116e3}'), "a Myanmar digit that came with Unicode 16");
    assert_eq!(('\0'..=char::MAX).filter(|&c| is_digit(c)).count(), 888);
}

proptest! {
    /// A text cut inside its last character may go on; a text cut between characters may not.
    #[test]
    fn only_cut_characters_go_on(text: String, cut: prop::sample::Index) {
        let cut = cut.index(text.len() + 1);
        prop_assert_eq!(may_go_on(&text.as_bytes()[..cut], 0), !text.is_char_boundary(cut));
    }

    /// Bytes that may go on are those to which some bytes can be added so that their end is text.
    #[test]
    fn what_goes_on_can_be_completed(bytes: Vec<u8>) {
        let ends_in_text = |bytes: &[u8]| (0..4.min(bytes.len())).any(|from| {
            let tail = &bytes[bytes.len() - 1 - from..];
            std::str::from_utf8(tail).is_ok_and(|text| text.chars().count() == 1)
        });
        let completions = [&b"\x80"[..], b"\xbf", b"\xa0\x80", b"\x90\x80\x80", b"\x80\x80", b"\x80\x80\x80", b"\xbf\xbf", b"\x90\x80", b"\x80\xbf"];
        let can_be_completed = completions.iter().any(|more| ends_in_text(&[&bytes, *more].concat()));
        prop_assert_eq!(may_go_on(&bytes, 0), can_be_completed && !ends_in_text(&bytes));
    }

    /// Whole segments may go on, nothing received may not.
    #[test]
    fn whole_segments_go_on(segments in 0..50_usize, segment in 1..1500_usize, more in 0..1500_usize) {
        let received = vec![b'x'; segments * segment + more % segment];
        prop_assert_eq!(may_go_on(&received, segment), segments > 0 && more % segment == 0);
    }

    /// Whatever comes is answered, with the digits of a text in their order.
    #[test]
    fn digits_are_told_in_order(before: String, after: String) {
        let text = format!("{before}SECRET{after}");
        let digits: String = text.chars().filter(|&c| is_digit(c)).collect();
        let count = digits.chars().count();
        prop_assert_eq!(reply(text.as_bytes()), format!("Digits: {digits}, Total Digits: {count}"));
    }

    /// Any bytes get an answer of one line.
    #[test]
    fn any_bytes_are_answered(bytes: Vec<u8>) {
        prop_assert!(!reply(&bytes).is_empty());
    }

    /// Stripping is done once and for all.
    #[test]
    fn stripped_words_have_no_space_at_their_ends(words: Vec<String>) {
        let text = client::text(&words);
        prop_assert!(!text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace));
        prop_assert_eq!(client::text(std::slice::from_ref(&text)), text);
    }
}
