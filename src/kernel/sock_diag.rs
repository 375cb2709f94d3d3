//! Which sockets wait for peers in a network namespace (sock_diag(7)).

use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP},
    inet::{ExtensionFlags, InetRequest, SocketId, StateFlags},
};
use nix::errno::Errno;
use rtnetlink::{
    packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload},
    sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG},
};

use super::error::{Attempt, KernelError};

/// A socket with a port of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoundSocket {
    pub(crate) port: u16,
    /// As in the `socket:[INODE]` links of `/proc/PID/fd`.
    pub(crate) inode: u32,
}

/// Which sockets are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// TCP sockets that listen.
    Listening,
    /// UDP sockets that are bound but not connected.
    BoundUdp,
    /// TCP and UDP sockets that are connected.
    Connected,
}

/// Such sockets of the calling thread's network namespace, IPv4 and IPv6.
pub(crate) fn sockets(which: Which) -> Result<Vec<BoundSocket>, KernelError> {
    let step = || "list the node's sockets";
    let mut socket = Socket::new(NETLINK_SOCK_DIAG).attempt(step)?;
    socket.bind_auto().attempt(step)?;
    socket.connect(&SocketAddr::new(0, 0)).attempt(step)?;
    let mut found = Vec::new();
    // An unconnected UDP socket is in state CLOSE, a connected one in ESTABLISHED.
    let wanted = match which {
        Which::Listening => vec![(IPPROTO_TCP, StateFlags::LISTEN)],
        Which::BoundUdp => vec![(IPPROTO_UDP, StateFlags::CLOSE)],
        Which::Connected => {
            vec![(IPPROTO_TCP, StateFlags::ESTABLISHED), (IPPROTO_UDP, StateFlags::ESTABLISHED)]
        }
    };
    for (protocol, states) in wanted {
        for family in [AF_INET, AF_INET6] {
            dump(&socket, family, protocol, states.clone(), &mut found)?;
        }
    }
    Ok(found)
}

fn dump(
    socket: &Socket,
    family: u8,
    protocol: u8,
    states: StateFlags,
    found: &mut Vec<BoundSocket>,
) -> Result<(), KernelError> {
    let step = || "list the node's sockets";
    let request = InetRequest {
        family,
        protocol,
        extensions: ExtensionFlags::empty(),
        states,
        socket_id: if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() },
    };
    let mut message = NetlinkMessage::from(SockDiagMessage::InetRequest(request));
    message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.finalize();
    let mut buffer = vec![0; message.buffer_len()];
    message.serialize(&mut buffer);
    socket.send(&buffer, 0).attempt(step)?;
    loop {
        let (datagram, _) = socket.recv_from_full().attempt(step)?;
        let mut rest = datagram.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                .map_err(|error| KernelError::odd(step(), error.to_string()))?;
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                    let header = &response.header;
                    found.push(BoundSocket {
                        port: header.socket_id.source_port,
                        inode: header.inode,
                    });
                }
                NetlinkPayload::Done(_) => return Ok(()),
                // A kernel without IPv6 has no such sockets to list.
                NetlinkPayload::Error(error) if error.raw_code() == -libc::ENOENT => return Ok(()),
                NetlinkPayload::Error(error) => {
                    return Err(KernelError::new(step(), Errno::from_raw(-error.raw_code())));
                }
                _ => {}
            }
            let length = (message.header.length as usize).next_multiple_of(4);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}
