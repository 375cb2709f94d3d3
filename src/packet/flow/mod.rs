//! Conversations: who talked to whom, what passed, and how it went.
//!
//! A conversation is what two addresses and ports exchange over TCP or UDP, or what an echo's id groups over ICMP. They are numbered
//! from 1 in the order of their first frames. A SYN with a new sequence number between the same ports begins another one.
//!
//! # One frame, several interfaces
//! A recording of both ends of a link holds most frames twice. Each direction of a conversation is therefore counted at one place: the
//! interface where its first frame was recorded first, which is the one nearest to the sender. What the sender sent counts, whether
//! or not it arrived; times that the sender could measure are measured there (round trips), and those of the receiver at the
//! other end's place (the delay of acknowledgments). A direction whose frames take several paths is counted on the first of them.
//!
//! # Sent again
//! What counts as sent again follows from the numbers alone: bytes, a SYN or a FIN that the same side sent before. Packet lists mark
//! retransmissions as Wireshark does, which judges by time as well, and takes the second record of a frame for one.
//!
//! # Bounds
//! The first [`MAX_FLOWS`] conversations are told apart; frames of later ones are only counted.

mod detail;
mod dialogue;
mod distribution;
mod flows;
mod follow;
mod half;
mod label;
mod ladder;
mod measured;
mod neighbours;
mod normal_text;
mod normalised;
mod reassembly;
mod roles;
mod row;
mod sequence;
mod story;
mod table;
mod time;
mod tracker;
mod unit;
mod windows;

pub use detail::{AT_ONCE, DELAYED_ACK, FlowDetail, Measure, Sent};
pub use dialogue::{Dialogue, DialogueForm};
pub use distribution::Distribution;
pub use flows::{FlowOptions, Flows};
pub use follow::{Follow, Piece, Said};
pub use ladder::{Arrow, Column, Ladder, LadderOptions, MAX_ARROWS, MAX_COLUMNS};
pub use normalised::{MAX_STORIES, Normalised, NormalisedFlows};
pub use row::{ClientBy, Close, Closing, Flow, FlowEnd, Handshake};
pub use tracker::MAX_FLOWS;
pub use unit::{FlowProtocol, Side};
pub use windows::Windows;
