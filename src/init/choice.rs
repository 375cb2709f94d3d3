//! Who carries out what is asked of a cable.

use super::bend::Carrier;
use crate::{
    impairment::Impairment,
    kernel::{
        KernelError,
        qdisc::{self, Features},
    },
    plan::Backend,
};

/// What is asked of a cable, as far as it matters to who carries it out.
pub(super) struct Asked<'a> {
    pub(super) backend: Backend,
    /// Whether frames may be bursts that are to be cut later.
    pub(super) offload: bool,
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

/// Why nobody can do it.
pub(super) enum Refusal {
    /// The kernel was to, and can't: why.
    NotByKernel(String),
    /// It could not be found out what the kernel can.
    Unknown(KernelError),
}

/// Chooses; `features` finds out what the kernel has, if it matters.
pub(super) fn choose(
    asked: &Asked<'_>,
    features: impl FnOnce() -> Result<Features, KernelError>,
) -> Result<Choice, Refusal> {
    let by = |carrier, why: &str| Ok(Choice { carrier, why: why.to_owned() });
    let plain = asked.impairments.iter().all(Impairment::is_nothing);
    if plain && !asked.scheduled && !asked.faults {
        return by(None, "nothing is asked of it");
    }
    let not_by_kernel = match asked.backend {
        Backend::Userspace => return by(Some(Carrier::Userspace), "the topology says so"),
        Backend::Auto | Backend::Kernel if asked.faults => {
            Some("the kernel can't choose frames for faults".to_owned())
        }
        Backend::Auto | Backend::Kernel if asked.scheduled => {
            Some("the kernel can't follow a schedule".to_owned())
        }
        Backend::Auto | Backend::Kernel => {
            let features = features().map_err(Refusal::Unknown)?;
            let can = |impairment| qdisc::can(impairment, asked.offload, features);
            let reasons = asked.impairments.iter().filter_map(|impairment| can(impairment).err());
            let reasons: Vec<_> = reasons.collect();
            let gravest = reasons.iter().find(|reason| !reason.is_near()).or(reasons.first());
            match (gravest, asked.backend) {
                (Some(reason), Backend::Kernel) if reason.is_near() => {
                    let why = format!("the topology says so, though {reason}");
                    return by(Some(Carrier::Kernel), &why);
                }
                (reason, _) => reason.map(ToString::to_string),
            }
        }
    };
    match (not_by_kernel, asked.backend) {
        (None, Backend::Kernel) => by(Some(Carrier::Kernel), "the topology says so"),
        (None, _) => by(Some(Carrier::Kernel), "it can do exactly what is asked"),
        (Some(why), Backend::Kernel) => Err(Refusal::NotByKernel(why)),
        (Some(why), _) => by(Some(Carrier::Userspace), &why),
    }
}
