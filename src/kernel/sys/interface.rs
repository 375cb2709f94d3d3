//! What is asked of an interface by its name: netdevice(7).

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// A request about the interface `name` (netdevice(7)).
fn interface_request(name: &str) -> libc::ifreq {
    // SAFETY: ifreq is plain data, for which all zeroes is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = from as libc::c_char;
    }
    request
}

/// Ethtool commands that switch one feature (`include/uapi/linux/ethtool.h`).
#[derive(Debug, Clone, Copy)]
pub(crate) enum EthtoolSet {
    TxChecksum = 0x17,
    Tso = 0x1f,
    Gso = 0x24,
    Gro = 0x2c,
}

/// SIOCETHTOOL on the interface `name` with a `struct ethtool_value` of 0.
pub(crate) fn ethtool_off(socket: BorrowedFd<'_>, name: &str, what: EthtoolSet) -> nix::Result<()> {
    #[repr(C)]
    struct Value {
        command: u32,
        data: u32,
    }
    let mut value = Value { command: what as u32, data: 0 };
    let mut request = interface_request(name);
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: `request` and the value it points to live through the call, and have the layout SIOCETHTOOL asks for.
    Errno::result(unsafe {
        libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as libc::Ioctl, &raw mut request)
    })?;
    Ok(())
}
