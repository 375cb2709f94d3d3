//! Filters: an exact subset of tcpdump's language (pcap-filter(7)) for Ethernet frames, compiled to classic BPF.
//!
//! A [`Filter`] is a program that runs in the kernel, on a capture socket, or here, on recorded frames ([`Filter::matches`]): both see
//! the same frames. What it selects is what tcpdump selects with the same words.
//!
//! ```
//! let filter: labnet::packet::Filter = "tcp[tcpflags] & tcp-syn != 0 and port 5000".parse()?;
//! assert!(!filter.matches(&[0; 60], 60));
//! # Ok::<(), labnet::packet::FilterError>(())
//! ```
//!
//! # The language
//!
//! ```text
//! filter      =  [ expression ]                                 nothing matches every frame
//! expression  =  item { ("and" | "&&" | "or" | "||") item }     from left to right, none before the other
//! item        =  [ "not" | "!" ] ( primitive | "(" expression ")" | id )
//!
//! primitive   =  [ protocol ] qualifier ids
//!             |  protocol                                       the protocol alone; not `ether`
//!             |  [ "ether" | "ip" | "ip6" ] "multicast"
//!             |  [ "ether" ] "broadcast"
//!             |  ( "less" | "greater" ) number                  a length of at most, of at least
//!             |  value relation value
//! protocol    =  "ether" | "link" | "ip" | "ip6" | "arp" | "rarp" | "tcp" | "udp" | "sctp" | "icmp" | "igmp" | "icmp6"
//! qualifier   =  [ direction ] type  |  direction  |  "proto"   without a type, `host` is meant
//! direction   =  "src" | "dst" | "src or dst" | "src and dst" (or the other way round); without one, either
//! type        =  "host" | "net" | "port" | "portrange"
//! ids         =  id  |  ( "not" | "!" ) ids  |  "(" id { ( "and" | "or" ) id } ")"
//!
//! value       =  number | name | "len" | "(" value ")" | "-" value | value operator value
//!             |  protocol "[" value [ ":" ( "1" | "2" | "4" ) ] "]"
//! operator    =  "+" | "-" | "*" | "/" | "%" | "&" | "|" | "^" | "<<" | ">>"
//! relation    =  "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
//! ```
//!
//! An id is what its qualifier asks for, as a number:
//!
//! | qualifier | id | may follow |
//! |---|---|---|
//! | `host`, or none | an IPv4 or IPv6 address | `ip`, `arp`, `rarp`, `ip6` |
//! | `host`, or none, after `ether` | an Ethernet address as `02:00:0a:0a:0a:02` or `02-00-0a-0a-0a-02` | `ether` |
//! | `net` | `10.1.2.0/24`, `10.1.2.0 mask 255.255.255.0`, `10`, `10.1`, `10.1.2`, `fd00::/64` | `ip`, `arp`, `rarp`, `ip6` |
//! | `port` | 0 to 65535 | `tcp`, `udp`, `sctp` |
//! | `portrange` | `6000-6008`, or one port | `tcp`, `udp`, `sctp` |
//! | `proto` | 0 to 255, or `\icmp`, `\igmp`, `\tcp`, `\udp`, `gre`, `\esp`, `\ah`, `ipv6-icmp`, `ospf`, `\pim`, `\vrrp`, `\sctp` | `ip`, `ip6` |
//! | `proto` after `ether` | 1501 to 65535, or `\ip`, `\ip6`, `\arp`, `\rarp` | `ether` |
//!
//! An id alone takes over the qualifiers before it: `port 80 or 81`, `tcp dst port (80 or 81)`, `host 10.10.10.2 and not 10.10.10.3`.
//!
//! Numbers are decimal or hexadecimal (`0x1f`), have 32 bits and no sign. The names of numbers are those of pcap-filter(7): `tcpflags`,
//! `tcp-fin`, `tcp-syn`, `tcp-rst`, `tcp-push`, `tcp-ack`, `tcp-urg`, `tcp-ece`, `tcp-cwr`; `icmptype`, `icmpcode` and the types from
//! `icmp-echoreply` to `icmp-maskreply`; `icmp6type`, `icmp6code` and the types from `icmp6-destinationunreach` to
//! `icmp6-multicastrouterterm`.
//!
//! # What to know
//!
//! All of this is so in tcpdump also:
//!
//! - `and` and `or` bind equally, from left to right; `not` binds what is next. `a or b and c` is `(a or b) and c`.
//! - `*` and `/` bind before `+` and `-`, those before `<<` and `>>`, then `&`, then `|`. `%` and `^` take all that
//!   follows as their right side (`ip[0] % 4 + 1` is `ip[0] % (4 + 1)`): write parentheses.
//! - Words end where they can't go on: in `tcp[5-3]` the text `5-3` is one word. Write `5 - 3`.
//! - A port, and bytes of a header over IP, are looked for in the first fragment of an IPv4 datagram only. In IPv6 ports are found only
//!   where no extension header comes before TCP, UDP or SCTP; `tcp` and its like, and `ip6 proto`, look past a fragment header, nothing else.
//! - `tcp[…]`, `udp[…]`, `sctp[…]`, `icmp[…]` and `igmp[…]` are about IPv4 only, `icmp6[…]` about ICMPv6 right after IPv6's header.
//! - Bytes of a header imply that the frame has that header, but among the operands of an operator only the leftmost ones do:
//!   `ip[0] + tcp[0]` doesn't ask for TCP. Write `tcp and …`.
//! - A frame that ends before a byte that is looked at doesn't match, even under `not`; neither does one for which a division is by
//!   zero. (Where tcpdump sees that a byte can't matter, as in `tcp or 1 = 1`, it may not look at it.)
//! - A frame with a VLAN tag is one of EtherType 0x8100, not IP.
//!
//! # What is left out
//!
//! Names of hosts, nets and ports (looking them up is an effect that a filter doesn't have), octal numbers, `ip broadcast` (it depends on the
//! interface's netmask), shifts by a number that depends on the frame, 802.3 frames by their SAP, addresses of
//! hosts with fewer than four parts, and all words that aren't above: `vlan`, `mpls`, `inbound`, `outbound`, `gateway`, `protochain`, …
//! Each is refused with a [`FilterError`] that names the place. An expression of the language that no frame can match, as `ip and arp`, which
//! tcpdump may refuse, matches nothing.
//!
//! A filter has at most 64 KiB, 64 levels, and 4096 instructions.

mod arithmetic;
mod code;
mod compile;
mod compute;
mod error;
mod expression;
mod id;
mod instruction;
mod lex;
mod parse;
mod primitive;
mod words;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use error::FilterError;
pub use instruction::{Instruction, run};

use code::{Code, Label, MAX_INSTRUCTIONS};
use instruction::{IMM, RET};

/// A condition on Ethernet frames, as written and as a program; serialised as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Filter {
    text: String,
    program: Vec<Instruction>,
}

impl Filter {
    /// Reads a filter; an empty one matches every frame.
    ///
    /// # Errors
    ///
    /// The text is outside the language, or its program would have more than 4096 instructions.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut code = Code::new();
        match parse::parse(text)? {
            Some(expression) => {
                let no = code.label();
                code.expression(&expression, Label::ACCEPT, no);
                code.place(no);
                code.jump(Label::REJECT);
            }
            None => code.jump(Label::ACCEPT),
        }
        let program = code.finish().map_err(|_| {
            let message = format!("the filter needs more than {MAX_INSTRUCTIONS} instructions");
            FilterError::new(text, 0..text.len(), message)
        })?;
        Ok(Self { text: text.to_owned(), program })
    }

    /// The filter as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The program for Ethernet frames: it returns 262144, as many bytes as tcpdump keeps, for frames that match, and 0 for others.
    pub fn program(&self) -> &[Instruction] {
        &self.program
    }

    /// The program as one that returns `snap_length` for frames that match; 0 would match none.
    pub fn program_keeping(&self, snap_length: u32) -> Vec<Instruction> {
        let keep = |instruction: &Instruction| match *instruction {
            Instruction { code, k, .. } if code == RET | IMM && k > 0 => {
                Instruction { k: snap_length, ..*instruction }
            }
            other => other,
        };
        self.program.iter().map(keep).collect()
    }

    /// Whether a frame matches, of whose `length` bytes `bytes` were kept: what the program in the kernel says of it.
    pub fn matches(&self, bytes: &[u8], length: u32) -> bool {
        run(&self.program, bytes, length) > 0
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Filter {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, FilterError> {
        Self::parse(&text)
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.text
    }
}

impl fmt::Display for Filter {
    /// The filter as written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
