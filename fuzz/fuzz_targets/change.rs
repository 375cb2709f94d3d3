//! Text as all that may be asked of a link: what is understood is shown as text that says the same.

#![no_main]

use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

use labnet::{
    impairment::{Action, Change, Distribution, Entry, Impairment, Loss, QueueLimit, Rule, Which},
    units::{ByteSize, Delay, MacAddr, Probability, Rate},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(change) = again::<Change>(text) {
        for (key, value) in change.fields() {
            let mut set = Change::default();
            set.set(key, &value).expect("it was shown");
            assert_eq!(set.fields(), [(key, value)]);
        }
        assert_eq!(change.clone().over(&change), change);
        let link = Impairment::default().with(&change);
        assert_eq!(link.with(&change), link);
        // Neither must be a panic for what can't be.
        link.is_random();
        _ = link.check(1500);
    }
    again::<Impairment>(text);
    again::<Entry>(text);
    again::<Rule>(text);
    again::<Which>(text);
    again::<Action>(text);
    again::<Loss>(text);
    again::<QueueLimit>(text);
    again::<Distribution>(text);
    again::<Delay>(text);
    again::<Rate>(text);
    again::<Probability>(text);
    again::<ByteSize>(text);
    again::<MacAddr>(text);
});

fn again<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Display> + Display + Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(value) => {
            let shown = value.to_string();
            assert_eq!(shown.parse().ok().as_ref(), Some(&value), "{shown}");
            Some(value)
        }
        Err(error) => {
            assert!(error.to_string().len() < 4096 + 2 * text.len());
            None
        }
    }
}
