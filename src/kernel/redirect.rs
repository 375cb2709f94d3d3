//! Hooks at an interface that send its frames elsewhere (tc-bpf(8), tc-mirred(8)).
//!
//! An interface gets its hooks once, by [`hooks`]; at each then stands at most one filter. Each is put there by
//! [`redirect`], which also replaces it: every frame meets the old filter or the new one, and none meets neither.

use rtnetlink::packet_core::DefaultNla;
use rtnetlink::packet_route::{
    RouteNetlinkMessage,
    tc::{TcAttribute, TcHandle, TcMessage},
};

use super::netlink::Change;

/// TCA_OPTIONS of `linux/rtnetlink.h`.
const OPTIONS: u16 = 2;
/// TCA_BPF_ACT, TCA_BPF_OPS_LEN and TCA_BPF_OPS of `linux/pkt_cls.h`.
const BPF_ACT: u16 = 1;
const BPF_OPS_LEN: u16 = 4;
const BPF_OPS: u16 = 5;
/// TCA_ACT_KIND and TCA_ACT_OPTIONS of `linux/pkt_cls.h`, in the first action of a list.
const ACT_KIND: u16 = 1;
const ACT_OPTIONS: u16 = 2;
const FIRST_ACTION: u16 = 1;
/// TCA_MIRRED_PARMS of `linux/tc_act/tc_mirred.h`.
const MIRRED_PARMS: u16 = 2;
/// TC_ACT_STOLEN of `linux/pkt_cls.h`: the frame goes no other way.
const STOLEN: u32 = 4;
/// The one filter of a hook: its preference, and its handle below it.
const PREFERENCE: u32 = 1;
const HANDLE: u16 = 1;
/// SKF_AD_OFF + SKF_AD_MARK of `linux/filter.h`: loads a frame's mark.
const MARK: u32 = 0xffff_f014;

/// Where at an interface frames are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Hook {
    /// Those that arrive.
    Ingress,
    /// Those that are sent.
    Egress,
}

impl Hook {
    /// The parent of its filters: TC_H_CLSACT with TC_H_MIN_INGRESS or TC_H_MIN_EGRESS of `linux/pkt_sched.h`.
    fn parent(self) -> TcHandle {
        let minor = match self {
            Self::Ingress => TcHandle::MIN_INGRESS,
            Self::Egress => TcHandle::MIN_EGRESS,
        };
        TcHandle { major: TcHandle::CLSACT.major, minor }
    }
}

/// Which frames a filter takes, by their mark (SO_MARK of socket(7)); it is 0 on all that come from another namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matching {
    All,
    Mark(u32),
}

impl Matching {
    /// As a classic BPF program, which takes what it returns other than 0 for.
    fn program(self) -> Vec<u8> {
        // Code, jump if true, jump if false, constant: `struct sock_filter` of `linux/filter.h`.
        let take = (0x06, 0, 0, u32::MAX);
        let code: Vec<(u16, u8, u8, u32)> = match self {
            Self::All => vec![take],
            Self::Mark(mark) => {
                vec![(0x20, 0, 0, MARK), (0x15, 0, 1, mark), take, (0x06, 0, 0, 0)]
            }
        };
        let bytes = code.iter().flat_map(|(code, yes, no, constant)| {
            let [c, k] = [code.to_ne_bytes().to_vec(), constant.to_ne_bytes().to_vec()];
            [c, vec![*yes, *no], k].concat()
        });
        bytes.collect()
    }
}

/// Where frames go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onward {
    /// They are sent by the interface with this index.
    SentBy(u32),
    /// They arrive at it.
    ArriveAt(u32),
}

/// As `tc qdisc add dev IF clsact`.
pub(crate) fn hooks(step: String, index: u32) -> Change {
    let mut message = TcMessage::with_index(index as i32);
    message.header.parent = TcHandle::CLSACT;
    message.header.handle = TcHandle { major: TcHandle::CLSACT.major, minor: 0 };
    message.attributes.push(TcAttribute::Kind("clsact".to_owned()));
    Change::create(step, RouteNetlinkMessage::NewQueueDiscipline(message))
}

/// As `tc filter replace dev IF ingress|egress pref 1 handle 1 bpf bytecode … action mirred egress|ingress redirect dev OTHER`.
pub(crate) fn redirect(
    step: String,
    index: u32,
    hook: Hook,
    matching: Matching,
    onward: Onward,
) -> Change {
    let program = matching.program();
    let length = (program.len() / 8) as u16;
    let options = [
        DefaultNla::new(BPF_OPS_LEN, length.to_ne_bytes().to_vec()),
        DefaultNla::new(BPF_OPS, program),
        nest(BPF_ACT, &[nest(FIRST_ACTION, &mirred(onward))]),
    ];
    let mut message = filter(index, hook);
    message.attributes.push(TcAttribute::Other(nest(OPTIONS, &options)));
    Change::replace(step, RouteNetlinkMessage::NewTrafficFilter(message))
}

/// As `tc filter del dev IF ingress|egress pref 1 handle 1 bpf`; frames go their usual way again.
pub(crate) fn no_redirect(step: String, index: u32, hook: Hook) -> Change {
    Change::set(step, RouteNetlinkMessage::DelTrafficFilter(filter(index, hook)))
}

fn filter(index: u32, hook: Hook) -> TcMessage {
    let mut message = TcMessage::with_index(index as i32);
    message.header.parent = hook.parent();
    message.header.handle = TcHandle { major: 0, minor: HANDLE };
    let all_protocols = u16::try_from(libc::ETH_P_ALL).unwrap_or_default().to_be();
    message.header.info = PREFERENCE << 16 | u32::from(all_protocols);
    message.attributes.push(TcAttribute::Kind("bpf".to_owned()));
    message
}

fn mirred(onward: Onward) -> [DefaultNla; 2] {
    // TCA_EGRESS_REDIR and TCA_INGRESS_REDIR of `linux/tc_act/tc_mirred.h`.
    let (action, index) = match onward {
        Onward::SentBy(index) => (1, index),
        Onward::ArriveAt(index) => (3, index),
    };
    // struct tc_mirred: the action's own index, capabilities, verdict and two counts, then what it does and where.
    let parameters = [0, 0, STOLEN, 0, 0, action, index].into_iter().flat_map(u32::to_ne_bytes);
    let parameters = DefaultNla::new(MIRRED_PARMS, parameters.collect());
    [DefaultNla::new(ACT_KIND, b"mirred\0".to_vec()), nest(ACT_OPTIONS, &[parameters])]
}

/// An attribute that holds others.
fn nest(kind: u16, inner: &[DefaultNla]) -> DefaultNla {
    use rtnetlink::packet_core::Emitable;
    let mut bytes = vec![0; inner.buffer_len()];
    inner.emit(&mut bytes);
    DefaultNla::new(kind, bytes)
}
