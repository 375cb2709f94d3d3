//! What the tests are about, if it is in Rust.
