//! Traffic over one link, and what became of each frame of it.

use std::{collections::HashMap, path::Path, time::Duration};

use labnet::{
    Capture, Lab, TestResult,
    packet::{Direction, Packet},
};
use serde_json::Value;

/// R2 serves probes; what KALI sends passes what is written behind this.
const TOPOLOGY: &str = r#"
name = "statistics"
[nodes.R2]
interfaces.eth0 = "10.10.10.2/24"
[nodes.R2.programs.probe]
run = "labnet probe serve 10.10.10.2:5004"
ready = "tcp:5004"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
seed = 1
"#;

/// How often to try what chance or a busy machine may prevent.
const TRIES: u32 = 10;
/// The kind of probes that are counted, as `labnet::apps::probe` has it.
const COUNTED: &[u8] = b"\0ln\x02";

/// What to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) count: usize,
    /// How often to send one.
    pub(crate) interval: Duration,
    /// Bytes of payload.
    pub(crate) size: usize,
}

/// What became of the traffic, as captured at both ends of the link and as the server counted it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Of each frame, in the order in which they were sent, the times from there to each arrival, in ns.
    pub(crate) frames: Vec<Vec<u64>>,
    /// The arrivals' times of all that came as it was sent, in their order, and the lengths of their frames.
    pub(crate) arrivals: Vec<(u64, u32)>,
    /// Frames that arrived and were not sent like that.
    pub(crate) strange: Vec<Vec<u8>>,
    /// What was sent.
    pub(crate) sent: Vec<Vec<u8>>,
    /// What `labnet probe flood --json` printed.
    pub(crate) flood: Value,
}

impl Outcome {
    /// How many didn't arrive.
    pub(crate) fn lost(&self) -> usize {
        self.frames.iter().filter(|times| times.is_empty()).count()
    }

    /// How many arrivals there are beyond the first of each.
    pub(crate) fn duplicates(&self) -> usize {
        self.frames.iter().map(|times| times.len().saturating_sub(1)).sum()
    }

    /// What each first arrival took, in ms.
    pub(crate) fn delays(&self) -> Vec<f64> {
        self.frames.iter().filter_map(|times| times.first()).map(|ns| *ns as f64 / 1e6).collect()
    }

    /// The lengths of runs of frames that didn't arrive.
    pub(crate) fn bursts(&self) -> Vec<usize> {
        let runs = self.frames.chunk_by(|one, next| one.is_empty() == next.is_empty());
        runs.filter(|run| run[0].is_empty()).map(<[_]>::len).collect()
    }
}

/// Sends the traffic over a link that does this to what KALI sends, by this backend.
///
/// It is all repeated in a new lab where the machine was too busy for it to be measured: frames came faster than they could be
/// forwarded, recorded or counted.
pub(crate) fn send(backend: &str, impairment: &str, traffic: Traffic) -> TestResult<Outcome> {
    let folder = tempfile::tempdir()?;
    let topology = folder.path().join("statistics.toml");
    let bent = format!("backend = {backend:?}\nfrom.KALI = {{ {impairment} }}\n");
    std::fs::write(&topology, format!("{TOPOLOGY}{bent}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut missed = [0; 3];
    for _ in 0..TRIES {
        match runtime.block_on(attempt(&topology, traffic))? {
            Ok(outcome) => return Ok(outcome),
            Err(missing) => missed = missing,
        }
    }
    Err(format!("the machine is too busy: {missed:?} not forwarded, recorded, counted").into())
}

/// What became of the traffic; or how many frames were not forwarded, recorded and counted because they came too fast.
async fn attempt(topology: &Path, traffic: Traffic) -> TestResult<Result<Outcome, [u64; 3]>> {
    let lab = Lab::up(topology).await?;
    meet(&lab).await?;
    let link = lab.link("lan");
    let capture = link.capture().start().await?;
    let Traffic { count, interval, size } = traffic;
    let interval = interval.as_micros();
    let flood = format!("labnet probe flood R2:5004 --count {count} --interval {interval}us");
    let flood = lab.node("KALI").command(&format!("{flood} --size {size} --json"));
    let flood: Value = serde_json::from_str(&flood.run().await?.success()?.stdout())?;
    let capture = capture.stop().await?;
    let cables = link.state().await?.cables;
    let directions = cables.iter().flat_map(|cable| &cable.directions);
    let forwarding = directions.map(|direction| direction.missed + direction.refused).sum();
    let counting = flood["overrun"].as_u64().ok_or("no count of datagrams without room")?;
    let missed = [forwarding, capture.dropped(), counting];
    if missed != [0; 3] {
        return Ok(Err(missed));
    }
    let outcome = read(&capture, flood)?;
    assert_eq!(outcome.frames.len(), count);
    Ok(Ok(outcome))
}

/// Has both hosts know each other's Ethernet address, which takes several attempts where frames are lost.
async fn meet(lab: &Lab) -> TestResult {
    let mut last = None;
    for _ in 0..TRIES {
        let rtt = "labnet probe rtt R2:5004 -c 20 --interval 50ms --timeout 2s";
        match lab.node("KALI").command(rtt).run().await?.success() {
            Ok(_) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or("no attempt was made".into(), Into::into))
}

/// What became of the counted frames.
fn read(capture: &Capture, flood: Value) -> TestResult<Outcome> {
    let mut outcome = Outcome {
        frames: Vec::new(),
        arrivals: Vec::new(),
        strange: Vec::new(),
        sent: Vec::new(),
        flood,
    };
    // By its bytes, when a frame was sent, and its place among those that are counted.
    let mut sent: HashMap<Vec<u8>, (u64, Option<usize>)> = HashMap::new();
    let mut reader = capture.reader()?;
    while let Some((frame, interface)) = reader.next_with_interface()? {
        let at_kali = interface.name.as_deref() == Some("KALI:eth0");
        match frame.direction {
            Some(Direction::Out) if at_kali => {
                let packet = Packet::decode(&frame.bytes, frame.length);
                let counted = packet.payload.bytes.starts_with(COUNTED);
                let place = counted.then_some(outcome.frames.len());
                if counted {
                    outcome.frames.push(Vec::new());
                    outcome.sent.push(frame.bytes.to_vec());
                }
                sent.insert(frame.bytes.into_owned(), (frame.time, place));
            }
            Some(Direction::In) if !at_kali => match sent.get(&*frame.bytes) {
                Some((time, Some(place))) => {
                    outcome.frames[*place].push(frame.time.saturating_sub(*time));
                    outcome.arrivals.push((frame.time, frame.length));
                }
                Some((_, None)) => {}
                None => outcome.strange.push(frame.bytes.into_owned()),
            },
            _ => {}
        }
    }
    Ok(outcome)
}

/// Mean and standard deviation.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (square / count).sqrt())
}
