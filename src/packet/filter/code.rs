//! Code with labels into classic BPF, whose jumps reach 255 instructions only.

use super::instruction::{self as bpf, Instruction};

/// How many bytes tcpdump keeps of a frame.
pub(super) const SNAP_LENGTH: u32 = 262_144;
/// How many instructions a program may have: BPF_MAXINSNS of linux/bpf_common.h.
pub(super) const MAX_INSTRUCTIONS: usize = 4096;
/// Jumps of tests that are longer are made by an instruction of their own; two of these may still come between.
const REACH: usize = 253;

/// A place in the code that is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

impl Label {
    /// The frame matches.
    pub(super) const ACCEPT: Self = Self(0);
    /// The frame doesn't match, whatever else the filter says.
    pub(super) const REJECT: Self = Self(1);
}

enum Operation {
    Plain(Instruction),
    /// A test with what comes next if it holds and if not.
    Test {
        code: u16,
        k: u32,
        yes: Label,
        no: Label,
    },
    Jump(Label),
    Place(Label),
}

/// Code in the making, in the order in which it runs.
#[derive(Default)]
pub(super) struct Code {
    operations: Vec<Operation>,
    labels: usize,
}

/// The program would have more than 4096 instructions.
pub(super) struct TooLong;

impl Code {
    pub(super) fn new() -> Self {
        Self { operations: Vec::new(), labels: 2 }
    }

    /// A label that is to be placed after everything that jumps to it.
    pub(super) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    pub(super) fn place(&mut self, label: Label) {
        self.operations.push(Operation::Place(label));
    }

    pub(super) fn plain(&mut self, code: u16, k: u32) {
        self.operations.push(Operation::Plain(Instruction::plain(code, k)));
    }

    pub(super) fn test(&mut self, code: u16, k: u32, yes: Label, no: Label) {
        self.operations.push(Operation::Test { code: bpf::JMP | code, k, yes, no });
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.operations.push(Operation::Jump(to));
    }

    /// The program, written from its end, so that all that is jumped to has its place already.
    pub(super) fn finish(self) -> Result<Vec<Instruction>, TooLong> {
        let mut reversed = Reversed {
            instructions: vec![
                Instruction::plain(bpf::RET | bpf::IMM, 0),
                Instruction::plain(bpf::RET | bpf::IMM, SNAP_LENGTH),
            ],
            next: 1,
        };
        // Where each label is, counted from the end.
        let mut places = vec![0; self.labels];
        places[Label::ACCEPT.0] = 1;
        for operation in self.operations.into_iter().rev() {
            match operation {
                Operation::Place(label) => places[label.0] = reversed.next,
                Operation::Jump(to) => reversed.next = places[to.0],
                Operation::Plain(instruction) => {
                    reversed.join();
                    reversed.push(instruction);
                }
                Operation::Test { code, k, yes, no } => {
                    reversed.test(code, k, places[yes.0], places[no.0]);
                }
            }
            if reversed.instructions.len() > MAX_INSTRUCTIONS {
                return Err(TooLong);
            }
        }
        reversed.join();
        reversed.instructions.reverse();
        Ok(reversed.instructions)
    }
}

/// A program, last instruction first.
struct Reversed {
    instructions: Vec<Instruction>,
    /// Which instruction the next one written is to go on with.
    next: usize,
}

impl Reversed {
    fn push(&mut self, instruction: Instruction) {
        self.instructions.push(instruction);
        self.next = self.instructions.len() - 1;
    }

    /// How many instructions lie between the one to be written next and another.
    fn distance(&self, to: usize) -> usize {
        self.instructions.len() - 1 - to
    }

    /// Sees to it that what is written next goes on with `next`.
    fn join(&mut self) {
        let skipped = self.distance(self.next);
        if skipped > 0 {
            self.push(Instruction::plain(bpf::JMP | bpf::JA, skipped as u32));
        }
    }

    fn test(&mut self, code: u16, k: u32, yes: usize, no: usize) {
        let [no, yes] = [no, yes].map(|to| {
            let skipped = self.distance(to);
            if skipped <= REACH {
                return to;
            }
            self.push(Instruction::plain(bpf::JMP | bpf::JA, skipped as u32));
            self.next
        });
        let [jt, jf] = [yes, no].map(|to| self.distance(to) as u8);
        self.push(Instruction { code, jt, jf, k });
    }
}
