//! The loop that forwards frames: one thread for all wires of a lab.
//!
//! It sleeps until a frame arrives, the next one is due, or something is asked. A frame is due a delay after its arrival by the
//! kernel's time stamp, so what the loop takes to notice adds nothing to it. Between requests, and between batches of one direction,
//! whatever is due is sent first.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    thread,
};

use super::{
    cable::Cable,
    message::{WireReply, WireRequest},
    notice::Notifier,
    wires::{Answers, Command},
};
use crate::kernel::{Alarm, BATCH, Bell, KernelError, Watch, in_real_time, monotonic};

/// The numbers of the bell and the alarm among what is waited for; others are a wire's number and the direction.
const BELL: u64 = u64::MAX;
const ALARM: u64 = u64::MAX - 1;

/// The most that it is woken early, in ns.
const MOST_LEAD: u64 = 60_000;

/// What the thread has.
pub(super) struct Forwarder {
    bell: Arc<Bell>,
    watch: Watch,
    alarm: Alarm,
    /// What the alarm is set to, and whether it has gone off.
    alarm_at: Option<u64>,
    rung: bool,
    /// How much later than the alarm it wakes up, on the average, in ns: so much earlier it is set.
    lead: u64,
    /// Whether it was woken for a frame that it has not sent yet.
    early: bool,
    wires: BTreeMap<u32, Box<Cable>>,
    /// Directions by when they are to be served; an entry that its lane knows nothing of is void.
    due: BinaryHeap<Reverse<(u64, u32, usize)>>,
    /// Wires that are to be removed.
    leaving: Vec<u32>,
    /// When schedules began.
    started: Option<u64>,
    real_time: bool,
    commands: Receiver<Command>,
    answers: Answers,
    notifier: Notifier,
}

impl Forwarder {
    pub(super) fn new(
        bell: Arc<Bell>,
        commands: Receiver<Command>,
        answers: Answers,
        notifier: Notifier,
    ) -> Result<Self, KernelError> {
        let (watch, alarm) = (Watch::new()?, Alarm::new()?);
        watch.add(&*bell, BELL)?;
        watch.add(&alarm, ALARM)?;
        Ok(Self {
            bell,
            watch,
            alarm,
            alarm_at: None,
            rung: false,
            lead: 0,
            early: false,
            wires: BTreeMap::new(),
            due: BinaryHeap::new(),
            leaving: Vec::new(),
            started: None,
            real_time: false,
            commands,
            answers,
            notifier,
        })
    }

    /// Forwards frames on the calling thread, until nobody can ask for anything any more, or the kernel fails it: then it tells why, as
    /// the answer to a request that nobody made.
    pub(super) fn run(mut self) {
        self.real_time = in_real_time();
        if let Err(error) = self.forward() {
            self.answers.give(0, WireReply::Failed(error));
        }
    }

    fn forward(&mut self) -> Result<(), KernelError> {
        let mut ready = Vec::new();
        loop {
            let next = self.send_due();
            let look = self.is_imminent(next)?;
            self.watch.wait(&mut ready, look)?;
            for &number in &ready {
                match number {
                    ALARM => self.awake(),
                    BELL => {
                        self.bell.hush();
                        if !self.obey() {
                            return Ok(());
                        }
                    }
                    lane => self.receive((lane >> 1) as u32, (lane & 1) as usize),
                }
            }
        }
    }

    fn receive(&mut self, id: u32, direction: usize) {
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.lanes[direction].receive(BATCH, (id, direction), &self.notifier);
            for (request, reply) in wire.answers() {
                self.answers.give(request, reply);
            }
            self.schedule(id, direction);
        }
    }

    /// Has a direction served when it is due.
    fn schedule(&mut self, id: u32, direction: usize) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let lane = &mut wire.lanes[direction];
        let next = lane.next();
        if let Some(at) = next
            && next != lane.due
        {
            self.due.push(Reverse((at, id, direction)));
        }
        lane.due = next;
    }

    /// Sends what is due; when the next frame will be, or a wire may be removed.
    fn send_due(&mut self) -> Option<u64> {
        let now = monotonic();
        while let Some(&Reverse((at, id, direction))) = self.due.peek()
            && at <= now
        {
            self.due.pop();
            let lane = self.wires.get_mut(&id).map(|wire| &mut wire.lanes[direction]);
            if let Some(lane) = lane.filter(|lane| lane.due == Some(at)) {
                lane.due = None;
                lane.send(now);
                self.early = false;
                self.schedule(id, direction);
            }
        }
        let next = self.due.peek().map(|Reverse((at, ..))| *at);
        let leave = self.remove_gone(now);
        next.into_iter().chain(leave).min()
    }

    /// Removes the wires that are to be removed and have nothing in them; when the next may have gone.
    fn remove_gone(&mut self, now: u64) -> Option<u64> {
        let mut next: Option<u64> = None;
        for id in std::mem::take(&mut self.leaving) {
            let Some(wire) = self.wires.get(&id) else { continue };
            if let Some(request) = wire.is_gone(now) {
                self.remove(id);
                self.answers.give(request, WireReply::Removed { id });
            } else {
                let after = wire.leaves_after().filter(|after| *after > now);
                next = next.into_iter().chain(after).min();
                self.leaving.push(id);
            }
        }
        next
    }

    fn remove(&mut self, id: u32) {
        let Some(wire) = self.wires.remove(&id) else { return };
        for lane in &wire.lanes {
            self.watch.remove(&lane.ring);
        }
        close(wire);
    }

    /// Takes note of how late it was woken.
    fn awake(&mut self) {
        if let Some(at) = self.alarm_at.filter(|_| !self.rung) {
            let late = monotonic().saturating_sub(at).min(MOST_LEAD);
            self.lead = (7 * self.lead + late) / 8;
            (self.rung, self.early) = (true, true);
        }
    }

    /// Whether the next moment is so near that it is not worth while to sleep; else the alarm is set for it.
    ///
    /// A processor that has nothing to do takes its time to wake up, in a virtual machine tens of microseconds. So the alarm is
    /// early by as much, but only for a long sleep: at most a fifth of the time is spent on waiting awake.
    fn is_imminent(&mut self, next: Option<u64>) -> Result<bool, KernelError> {
        let now = monotonic();
        if self.early && next.is_some_and(|at| at <= now + self.lead) {
            return Ok(true);
        }
        self.early = false;
        let long = |at: u64| at > now + 5 * self.lead;
        let at = next.map(|at| if long(at) { at - self.lead } else { at });
        // One that has gone off is readable until it is set again.
        if at != self.alarm_at || self.rung {
            self.alarm.set(at)?;
            (self.alarm_at, self.rung) = (at, false);
        }
        Ok(false)
    }

    /// Does all that is asked; whether more may come.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Join(request, id, made)) => self.join(request, id, made),
                Ok(Command::Ask(request, what)) => self.ask(request, *what),
                Err(error) => return error == TryRecvError::Empty,
            }
        }
    }

    /// Takes in a wire that has been made.
    fn join(&mut self, request: u64, id: u32, made: Result<Box<Cable>, KernelError>) {
        let made = made.and_then(|wire| {
            if self.wires.contains_key(&id) {
                close(wire);
                let said = "there is one of this number";
                return Err(KernelError::odd(format!("make wire {id}"), said));
            }
            for (direction, lane) in wire.lanes.iter().enumerate() {
                self.watch.add(&lane.ring, u64::from(id) << 1 | direction as u64)?;
            }
            Ok(wire)
        });
        let reply = match made {
            Ok(mut wire) => {
                if let Some(start) = self.started {
                    wire.start(start);
                }
                self.wires.insert(id, wire);
                WireReply::Added { id, real_time: self.real_time }
            }
            Err(error) => WireReply::Failed(error),
        };
        self.answers.give(request, reply);
    }

    fn ask(&mut self, request: u64, what: WireRequest) {
        let reply = match what {
            WireRequest::Start => {
                let now = monotonic();
                self.started = Some(now);
                self.wires.values_mut().for_each(|wire| wire.start(now));
                Some(WireReply::Done)
            }
            WireRequest::Forget { request } => {
                self.wires.values_mut().for_each(|wire| wire.forget(request));
                Some(WireReply::Done)
            }
            what => self.ask_one(request, what),
        };
        if let Some(reply) = reply {
            self.answers.give(request, reply);
        }
    }

    fn ask_one(&mut self, request: u64, what: WireRequest) -> Option<WireReply> {
        let id = what.wire();
        let wire = id.and_then(|id| Some((id, self.wires.get_mut(&id)?)));
        let Some((id, wire)) = wire else {
            let said = "there is none of this number";
            return Some(WireReply::Failed(KernelError::odd(format!("change wire {id:?}"), said)));
        };
        wire.catch_up(id, &self.notifier);
        if matches!(what, WireRequest::Remove { .. }) {
            self.leaving.push(id);
        }
        let reply = wire.ask(request, what, monotonic());
        for (request, reply) in wire.answers() {
            self.answers.give(request, reply);
        }
        for direction in 0..2 {
            self.schedule(id, direction);
        }
        reply.unwrap_or_else(|error| Some(WireReply::Failed(error)))
    }
}

/// Closes the sockets of a wire: it takes the kernel some time, in which others go on. Without a thread for it, they wait.
fn close(wire: Box<Cable>) {
    let _ = thread::Builder::new().spawn(move || drop(wire));
}
