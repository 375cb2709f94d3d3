//! What frames mean in the light of those before them: TCP conversations, answered pings, fragments put together.
//!
//! All in one pass and in bounded memory: the newest [`CONVERSATIONS`] TCP conversations, [`ECHOES`] unanswered pings and
//! [`DATAGRAMS`] datagrams in fragments are remembered; what was silent for longest is forgotten first. A conversation
//! that was forgotten and goes on is a new one, as if the recording began there.

mod bounded;
mod echo;
mod endpoints;
mod flow;
mod fragments;
mod insight;
mod marks;
mod tcp;

pub use echo::ECHOES;
pub use fragments::DATAGRAMS;
pub use insight::{Analysis, Insight};
pub use marks::{Mark, Marks};
pub use tcp::{CONVERSATIONS, Scale, TcpInsight};
