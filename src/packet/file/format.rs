//! The numbers of pcapng.

/// The most bytes of a block, or of a frame in classic pcap: as in Wireshark.
pub(super) const MOST_BYTES: u32 = 16 << 20;
/// The most options of a block.
pub(super) const MOST_OPTIONS: usize = 4096;
/// The most interfaces of a recording.
pub(super) const MOST_INTERFACES: usize = 1 << 16;

/// What a block has around its body: kind and length before it, length after it.
pub(super) const AROUND: usize = 12;
/// Before the body.
pub(super) const HEAD: usize = 8;

/// Kinds of blocks.
pub(super) mod block {
    /// The same in either byte order.
    pub(in super::super) const SECTION: u32 = 0x0a0d_0d0a;
    pub(in super::super) const INTERFACE: u32 = 1;
    /// Obsolete since 2004.
    pub(in super::super) const PACKET: u32 = 2;
    pub(in super::super) const SIMPLE_PACKET: u32 = 3;
    pub(in super::super) const STATISTICS: u32 = 5;
    pub(in super::super) const ENHANCED_PACKET: u32 = 6;
}

/// What a section's first field is, in its byte order.
pub(super) const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Codes of options; most mean something only in their kind of block.
pub(super) mod option {
    pub(in super::super) const END: u16 = 0;
    pub(in super::super) const COMMENT: u16 = 1;

    pub(in super::super) const SECTION_HARDWARE: u16 = 2;
    pub(in super::super) const SECTION_OS: u16 = 3;
    pub(in super::super) const SECTION_APPLICATION: u16 = 4;

    pub(in super::super) const INTERFACE_NAME: u16 = 2;
    pub(in super::super) const INTERFACE_DESCRIPTION: u16 = 3;
    pub(in super::super) const INTERFACE_RESOLUTION: u16 = 9;
    pub(in super::super) const INTERFACE_FILTER: u16 = 11;
    pub(in super::super) const INTERFACE_OS: u16 = 12;
    pub(in super::super) const INTERFACE_OFFSET: u16 = 14;

    /// Of enhanced and of obsolete packet blocks.
    pub(in super::super) const PACKET_FLAGS: u16 = 2;

    pub(in super::super) const STATISTICS_START: u16 = 2;
    pub(in super::super) const STATISTICS_END: u16 = 3;
    pub(in super::super) const STATISTICS_RECEIVED: u16 = 4;
    pub(in super::super) const STATISTICS_DROPPED: u16 = 5;
    pub(in super::super) const STATISTICS_ACCEPTED: u16 = 6;
    pub(in super::super) const STATISTICS_OS_DROPPED: u16 = 7;
    pub(in super::super) const STATISTICS_DELIVERED: u16 = 8;
}

/// The lowest two bits of a packet's flags.
pub(super) const INBOUND: u32 = 1;
pub(super) const OUTBOUND: u32 = 2;

/// The first byte of a filter that is text, rather than a BPF program.
pub(super) const FILTER_TEXT: u8 = 0;

/// A length with the padding that follows.
pub(super) const fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}
