//! nftables, the kernel's packet filter (nft(8)).

use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

use super::{
    error::{Attempt, KernelError},
    netlink::acknowledgement,
};

/// NFNL_SUBSYS_NFTABLES of `linux/netfilter/nfnetlink.h`.
const SUBSYSTEM: u16 = 10;
/// NFT_MSG_GETGEN of `linux/netfilter/nf_tables.h`: asks for the generation of the rules.
const GET_GENERATION: u16 = 16;

/// Asks for the generation of the calling thread's network namespace's rules, as every run of `nft` begins.
///
/// # Errors
///
/// EINVAL if the kernel has no nftables.
pub(crate) fn nftables_generation() -> Result<(), KernelError> {
    let step = || "ask for the generation of the nftables rules";
    let mut socket = Socket::new(NETLINK_NETFILTER).attempt(step)?;
    socket.bind_auto().attempt(step)?;
    socket.connect(&SocketAddr::new(0, 0)).attempt(step)?;
    // struct nlmsghdr (length, type, flags, sequence, port), then struct nfgenmsg, which is all zero.
    let mut request = Vec::new();
    request.extend(20u32.to_ne_bytes());
    request.extend((SUBSYSTEM << 8 | GET_GENERATION).to_ne_bytes());
    request.extend((libc::NLM_F_REQUEST as u16).to_ne_bytes());
    request.extend([0; 12]);
    socket.send(&request, 0).attempt(step)?;
    let (answer, _) = socket.recv_from_full().attempt(step)?;
    match acknowledgement(&answer) {
        Some((_, code, said)) if code != 0 => {
            Err(KernelError { step: step().to_owned(), errno: -code, said })
        }
        _ => Ok(()),
    }
}
