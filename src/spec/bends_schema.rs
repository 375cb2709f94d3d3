//! What editors are told of the keys that say what links do; the reader keeps other types.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{Backend, schema};

/// The keys that links and networks share.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub(super) struct Bends {
    /// Who carries out what is below: `auto` (left out) takes the kernel where it can do exactly that, else the userspace wire.
    backend: Option<Backend>,
    /// The seed of random decisions; left out: 1. The same seed and the same traffic give the same losses.
    #[schemars(with = "Option<schema::Seed>")]
    seed: Option<u64>,
    /// What is done to frames in each direction.
    each_way: Option<Impairment>,
    /// Over `each_way`: what is done to the frames that a node sends, by its name.
    from: Option<BTreeMap<String, Impairment>>,
    /// Changes in time; where several are in force, later ones hold over earlier ones.
    schedule: Option<Vec<Timed>>,
    /// What is done to chosen frames.
    faults: Option<Vec<Fault>>,
}

/// What is done to frames.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct Impairment {
    /// How long a frame is under way, as in `"10ms"`; at most 1h.
    delay: Option<String>,
    /// How much that varies, as in `"1ms"`.
    jitter: Option<String>,
    /// How it varies: `uniform` (left out), or `normal` with `jitter` as its standard deviation.
    distribution: Option<Distribution>,
    /// Lost frames: `"1%"`, in bursts of this mean length `"1% burst 5"`, or by Gilbert and Elliott's model `"gemodel 1% 20% 100% 0%"`.
    loss: Option<String>,
    /// How likely a frame arrives twice, as in `"1%"`.
    duplicate: Option<String>,
    /// How likely a frame skips the delay, as in `"1%"`.
    reorder: Option<String>,
    /// Only each so manieth frame may skip it.
    #[schemars(range(min = 0))]
    gap: Option<u32>,
    /// How likely one bit of a frame is turned, as in `"0.1%"`.
    corrupt: Option<String>,
    /// How fast frames are sent: `"10Mbit"`, a recording `{ trace = "FILE" }` in mahimahi's format, or `"unlimited"`.
    #[schemars(with = "Option<schema::Rate>")]
    rate: Option<String>,
    /// How much may be sent at once after a pause, as in `"3kB"`; `"default"`: one frame.
    burst: Option<String>,
    /// What may wait to be sent: a number of frames, or bytes as in `"64kB"`; left out: 1000 frames.
    #[schemars(with = "Option<schema::Limit>")]
    limit: Option<String>,
    /// Whether nothing passes.
    down: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase", inline)]
#[allow(dead_code, reason = "only its schema is used")]
enum Distribution {
    Uniform,
    Normal,
}

/// A change in time.
#[derive(JsonSchema)]
#[schemars(rename = "Change", deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct Timed {
    /// When it begins, counted from when the lab is ready; left out: at once.
    at: Option<String>,
    /// For how long it is in force; left out: for good.
    #[schemars(rename = "for")]
    lasting: Option<String>,
    /// After how long it begins again; longer than `for`.
    every: Option<String>,
    /// What changes in each direction.
    each_way: Option<Impairment>,
    /// What changes for frames that a node sends, by its name.
    from: Option<BTreeMap<String, Impairment>>,
}

/// What is done to chosen frames.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct Fault {
    /// The node whose frames are meant; left out: everybody's.
    from: Option<String>,
    /// Which frames count, as a capture filter; left out: all.
    #[schemars(rename = "match")]
    matching: Option<String>,
    /// It is done to so many of them.
    #[schemars(range(min = 1))]
    first: Option<u32>,
    /// It is done to this one of them.
    #[schemars(range(min = 1))]
    nth: Option<u32>,
    /// It is done to each so manieth of them.
    #[schemars(range(min = 1))]
    every: Option<u32>,
    /// It is done to all from the first on for so long, as in `"500ms"`.
    #[schemars(rename = "for")]
    lasting: Option<String>,
    /// `"drop"`, `"duplicate"`, `"corrupt"`, `"hold"`, or `{ delay = "50ms" }` on top.
    #[schemars(with = "schema::Action")]
    action: String,
}
