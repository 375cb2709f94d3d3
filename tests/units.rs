//! Quantities: what is written parses, what is displayed parses back, and nonsense is refused with the units named.

use std::time::Duration;

use labnet::units::{ByteSize, Delay, MacAddr};
use proptest::prelude::*;

#[test]
fn delays_are_read_exactly() {
    for (text, nanos) in [
        ("0", 0),
        ("0s", 0),
        ("1ns", 1),
        ("250us", 250_000),
        ("250µs", 250_000),
        ("20ms", 20_000_000),
        ("20 ms", 20_000_000),
        ("1.5s", 1_500_000_000),
        ("0.000000001s", 1),
        ("1.50s", 1_500_000_000),
        ("2m", 120_000_000_000),
        ("1h", 3_600_000_000_000),
    ] {
        assert_eq!(text.parse(), Ok(Delay(Duration::from_nanos(nanos))), "{text}");
    }
}

#[test]
fn delays_are_displayed_readably() {
    for text in ["0s", "1ns", "1.5us", "20ms", "1.5s", "90s", "2m", "1h", "1.000000001s"] {
        assert_eq!(text.parse::<Delay>().unwrap().to_string(), text);
    }
}

#[test]
fn what_is_not_a_delay_is_refused() {
    for text in
        ["", "20", "ms", "-1s", "1e3s", "1.s", ".5s", "1..5s", "0.5ns", "5 apples", "1.2.3s"]
    {
        let error = text.parse::<Delay>().unwrap_err().to_string();
        assert!(error.contains("ns, us, ms, s, m or h"), "{text}: {error}");
    }
    assert!("99999999999999999999h".parse::<Delay>().is_err());
    assert!(format!("{}s", "9".repeat(100_000)).parse::<Delay>().is_err());
    assert!(format!("0.{}s", "3".repeat(100_000)).parse::<Delay>().is_err());
}

#[test]
fn byte_sizes_are_read_and_displayed() {
    for (text, bytes, shown) in [
        ("0", 0, "0"),
        ("512", 512, "512"),
        ("512B", 512, "512"),
        ("64KiB", 65_536, "64KiB"),
        ("1.5 KiB", 1_536, "1536"),
        ("10MB", 10_000_000, "10MB"),
        ("1KB", 1_000, "1kB"),
        ("1GiB", 1 << 30, "1GiB"),
    ] {
        let size: ByteSize = text.parse().unwrap();
        assert_eq!((size.0, size.to_string().as_str()), (bytes, shown), "{text}");
    }
    for text in ["", "1.5", "KiB", "-1", "1XB", "99999999TiB"] {
        assert!(text.parse::<ByteSize>().unwrap_err().to_string().contains("KiB, MiB"), "{text}");
    }
}

proptest! {
    #[test]
    fn a_delay_parses_back(seconds: u64, nanos in 0u32..1_000_000_000) {
        let delay = Delay(Duration::new(seconds, nanos));
        prop_assert_eq!(delay.to_string().parse(), Ok(delay));
    }

    #[test]
    fn a_small_delay_parses_back(nanos in 0u64..10_000_000_000) {
        let delay = Delay(Duration::from_nanos(nanos));
        prop_assert_eq!(delay.to_string().parse(), Ok(delay));
        let json = serde_json::to_string(&delay).unwrap();
        prop_assert_eq!(serde_json::from_str::<Delay>(&json).unwrap(), delay);
    }

    #[test]
    fn a_byte_size_parses_back(bytes: u64, shift in 0u32..64) {
        let size = ByteSize(bytes >> shift);
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }

    #[test]
    fn a_mac_parses_back(bytes: [u8; 6]) {
        let mac = MacAddr(bytes);
        prop_assert_eq!(mac.to_string().parse(), Ok(mac));
    }

    #[test]
    fn no_text_panics(text: String) {
        let _ = (text.parse::<Delay>(), text.parse::<ByteSize>(), text.parse::<MacAddr>());
    }
}
