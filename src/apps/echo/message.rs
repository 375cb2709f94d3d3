//! Where a message ends and what the server answers to it; pure.

use std::time::Duration;

use super::digits::is_digit;

/// What a message must contain, in capitals and anywhere, to have its digits told.
const SECRET: &str = "SECRET";

/// The server's answer to a whole message; never ends in a newline.
///
/// ```
/// use labnet::apps::echo::message::reply;
///
/// assert_eq!(reply(b"my net id is ha2755"), "Secret code not found.");
/// assert_eq!(reply(b"ha2755 is SECRET"), "Digits: 2755, Total Digits: 4");
/// assert_eq!(reply(b"\xff"), "Error: the message is not UTF-8 text (byte 0xff at offset 0).");
/// ```
#[must_use]
pub fn reply(message: &[u8]) -> String {
    let text = match str::from_utf8(message) {
        Ok(text) => text,
        Err(error) => {
            let offset = error.valid_up_to();
            let byte = message.get(offset).copied().unwrap_or_default();
            return format!(
                "Error: the message is not UTF-8 text (byte {byte:#04x} at offset {offset})."
            );
        }
    };
    if !text.contains(SECRET) {
        return "Secret code not found.".to_owned();
    }
    let digits: String = text.chars().filter(|&c| is_digit(c)).collect();
    format!("Digits: {digits}, Total Digits: {}", digits.chars().count())
}

/// The answer to a message longer than `limit` bytes.
pub(super) fn too_long(limit: usize) -> String {
    format!("Error: the message is longer than {limit} bytes.")
}

/// The answer to a client that sent no whole message in time.
pub(super) fn too_late(limit: Duration) -> String {
    format!("Error: no message within {limit:?}.")
}

/// Whether what has come may be the beginning of a longer message although the socket has nothing more: it ends inside a
/// UTF-8 character, or its length is a multiple of `segment`, the bytes of payload in a full TCP segment.
///
/// A sender fills every segment of one write but the last, as long as the peer's window holds many of them. That of the
/// loopback holds hardly one, so there a segment may end anywhere. Without framing there is no better sign.
#[must_use]
pub fn may_go_on(received: &[u8], segment: usize) -> bool {
    let fills_segments =
        segment > 0 && !received.is_empty() && received.len().is_multiple_of(segment);
    fills_segments || ends_inside_character(received)
}

/// Whether the last bytes are the beginning, but not the whole, of a UTF-8 character (RFC 3629).
fn ends_inside_character(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let is_lead = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    let lead = tail.iter().rposition(is_lead);
    lead.is_some_and(|at| {
        str::from_utf8(&tail[at..]).is_err_and(|error| error.error_len().is_none())
    })
}
