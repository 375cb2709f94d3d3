//! Who carries out what is asked of a cable.

use super::bend::Carrier;
use crate::{impairment::Impairment, plan::Backend};

/// What is asked of a cable, as far as it matters to who carries it out.
pub(super) struct Asked<'a> {
    pub(super) backend: Backend,
    pub(super) impairments: &'a [Impairment; 2],
    /// Whether a schedule changes that.
    pub(super) scheduled: bool,
    /// Whether chosen frames are treated apart.
    pub(super) faults: bool,
}

/// Who does it, if it takes anybody, and why.
pub(super) struct Choice {
    pub(super) carrier: Option<Carrier>,
    pub(super) why: String,
}

/// Chooses; what the topology says of it must be possible.
///
/// # Errors
///
/// Why the kernel can't do what it was to do.
pub(super) fn choose(asked: &Asked<'_>) -> Result<Choice, String> {
    let by = |carrier, why: &str| Ok(Choice { carrier, why: why.to_owned() });
    let plain = asked.impairments.iter().all(Impairment::is_nothing);
    if plain && !asked.scheduled && !asked.faults {
        return by(None, "nothing is asked of it");
    }
    let userspace = Some(Carrier::Userspace);
    let not_kernel = match () {
        () if asked.faults => "the kernel can't choose frames for faults",
        () if asked.scheduled => "the kernel can't follow a schedule",
        () => "the kernel does not have it",
    };
    match asked.backend {
        Backend::Userspace => by(userspace, "the topology says so"),
        Backend::Auto => by(userspace, not_kernel),
        Backend::Kernel => Err(not_kernel.to_owned()),
    }
}
