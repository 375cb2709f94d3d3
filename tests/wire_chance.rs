//! What chance does on a line: the shares and distributions that were asked for, over 20,000 frames within 3 σ.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod wire_support;

use labnet::{
    packet::{Cause, Changes, Fate, Origin},
    wire::{Line, direction_seed},
};
use wire_support::{
    FRAMES, MS, US, assert_distribution, assert_share, drain, frame, impairment, line, normal,
    number, pass,
};

const LOST: Fate = Fate::Dropped(Cause::Loss);

#[test]
fn loss_has_its_share() {
    for (text, share) in [("0.1%", 0.001), ("1%", 0.01), ("33.3%", 0.333), ("0.5", 0.5)] {
        let mut line = line(&format!("loss {text}"));
        let (fates, arrived) = pass(&mut line, FRAMES, US);
        let counters = line.counters();
        assert_share(text, counters.lost, FRAMES, share);
        assert_eq!(fates.iter().filter(|fate| **fate == LOST).count() as u64, counters.lost);
        assert_eq!(arrived.len() as u64, FRAMES - counters.lost);
    }
    assert_eq!(pass(&mut line("loss 100%"), FRAMES, US).1, []);
    assert_eq!(pass(&mut line("loss 0%"), FRAMES, US).1.len() as u64, FRAMES);
}

#[test]
fn lost_frames_are_independent_of_each_other() {
    let (fates, _) = pass(&mut line("loss 20%"), FRAMES, US);
    let pairs = fates.windows(2).filter(|pair| pair == &[LOST, LOST]).count();
    // Neighbouring pairs overlap; the variance of their count with that in mind.
    let (n, p) = ((FRAMES - 1) as f64, 0.2_f64);
    let sd = (n * (p.powi(2) + 2.0 * p.powi(3) - 3.0 * p.powi(4))).sqrt();
    assert!((pairs as f64 - n * p * p).abs() < 3.0 * sd, "{pairs} pairs");
}

/// The lengths of runs of frames that were lost.
fn bursts(fates: &[Fate]) -> Vec<u64> {
    let runs = fates.chunk_by(|a, b| (*a == LOST) == (*b == LOST));
    runs.filter(|run| run[0] == LOST).map(|run| run.len() as u64).collect()
}

#[test]
fn bursts_have_their_length_and_share() {
    for (text, share, length) in
        [("1% burst 5", 0.01, 5.0), ("10% burst 2.5", 0.1, 2.5), ("30% burst 20", 0.3, 20.0)]
    {
        let (fates, _) = pass(&mut line(&format!("loss {text}")), FRAMES, US);
        let bursts = bursts(&fates);
        let (count, lost) = (bursts.len() as f64, bursts.iter().sum::<u64>() as f64);
        // Bursts are geometric.
        let sd = (length * (length - 1.0) / count).sqrt();
        assert!((lost / count - length).abs() < 3.0 * sd, "{text}: {} long", lost / count);
        // Of a chain with two states, the variance of the mean.
        let leave = 1.0 / length;
        let enter = share * leave / (1.0 - share);
        let memory = 1.0 - leave - enter;
        let variance = share * (1.0 - share) * (1.0 + memory) / (1.0 - memory);
        let sd = (variance / FRAMES as f64).sqrt();
        assert!((lost / FRAMES as f64 - share).abs() < 3.0 * sd, "{text}: {lost} lost");
    }
}

#[test]
fn the_states_of_a_chain_lose_as_they_should() {
    // Half of the time in either state, long; lost are 90 % and 10 %.
    let (fates, _) = pass(&mut line("loss gemodel 1% 1% 90% 10%"), FRAMES, US);
    let lost = fates.iter().filter(|fate| **fate == LOST).count() as f64 / FRAMES as f64;
    let sd = (0.8_f64.powi(2) * 0.25 * 99.0 / FRAMES as f64).sqrt();
    assert!((lost - 0.5).abs() < 3.0 * sd, "{lost}");
    // As in netem: the chain begins in the good state, and its first frame is decided on there.
    let (fates, _) = pass(&mut line("loss gemodel 100% 100% 100% 0%"), 6, US);
    assert_eq!(fates.map_lost(), [false, true, false, true, false, true]);
}

trait Lost {
    fn map_lost(&self) -> Vec<bool>;
}

impl Lost for Vec<Fate> {
    fn map_lost(&self) -> Vec<bool> {
        self.iter().map(|fate| *fate == LOST).collect()
    }
}

#[test]
fn duplicates_have_their_share_and_are_equal() {
    let mut line = line("duplicate 5%");
    let (fates, arrived) = pass(&mut line, FRAMES, US);
    let counters = line.counters();
    assert_share("duplicates", counters.duplicated, FRAMES, 0.05);
    assert_eq!(arrived.len() as u64, FRAMES + counters.duplicated);
    let twice = |fate: &Fate| matches!(fate, Fate::Passed(changes) if changes.duplicated == Some(Origin::Chance));
    let expected = fates.iter().enumerate().flat_map(|(index, fate)| {
        vec![(index as u64 * US, index as u64); 1 + usize::from(twice(fate))]
    });
    assert_eq!(arrived, expected.collect::<Vec<_>>());
}

#[test]
fn one_bit_of_corrupted_frames_is_turned_and_any_may_be() {
    let mut line = line("corrupt 10%");
    let mut bits = vec![0_u64; 64 * 8];
    for index in 0..FRAMES {
        let fate = line.accept(index, vec![0_u8; 64]);
        let frame = line.take(index).unwrap();
        let ones: Vec<_> = (0..512).filter(|bit| frame[bit / 8] >> (bit % 8) & 1 == 1).collect();
        let corrupted =
            fate == Fate::Passed(Changes { corrupted: Some(Origin::Chance), ..Changes::default() });
        assert_eq!(ones.len(), usize::from(corrupted));
        ones.into_iter().for_each(|bit| bits[bit] += 1);
    }
    assert_share("corrupted", line.counters().corrupted, FRAMES, 0.1);
    let expected = bits.iter().sum::<u64>() as f64 / 512.0;
    let chi: f64 = bits.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
    assert!((chi - 511.0).abs() < 3.0 * (2.0 * 511.0_f64).sqrt(), "{chi}");
}

#[test]
fn an_empty_frame_has_no_bit_to_turn() {
    let mut line = line("corrupt 100%");
    assert_eq!(line.accept(0, Vec::new()), Fate::PASSED);
    assert_eq!((line.take(0), line.counters().corrupted), (Some(Vec::new()), 0));
}

#[test]
fn reordered_frames_skip_the_delay() {
    let mut line = line("delay 10ms, reorder 25%");
    let (_, mut arrived) = pass(&mut line, FRAMES, MS);
    let early = |(time, index): &&(u64, u64)| *time == index * MS;
    let late = |(time, index): &&(u64, u64)| *time == (index + 10) * MS;
    assert_share("reordered", arrived.iter().filter(early).count() as u64, FRAMES, 0.25);
    assert_eq!(arrived.iter().filter(early).count() as u64, line.counters().reordered);
    assert!(arrived.iter().all(|frame| early(&frame) || late(&frame)));
    arrived.sort_by_key(|(_, index)| *index);
    assert!(arrived.iter().map(|(_, index)| *index).eq(0..FRAMES));
}

#[test]
fn a_gap_spaces_what_is_reordered() {
    let reordered = |text: &str| {
        let (_, arrived) = pass(&mut line(text), FRAMES, MS);
        let early = arrived.into_iter().filter(|(time, index)| *time == index * MS);
        let mut early: Vec<u64> = early.map(|(_, index)| index).collect();
        early.sort_unstable();
        early
    };
    // tc-netem(8): with `gap 5` and 100 %, every fifth.
    let fifths = reordered("delay 10ms, reorder 100%, gap 5");
    assert!(fifths.into_iter().eq((4..FRAMES).step_by(5)));
    // Else at least so far apart: after 4 that can't be, each with this probability.
    let early = reordered("delay 10ms, reorder 20%, gap 5");
    let gaps = || early.windows(2).map(|pair| pair[1] - pair[0]);
    assert_eq!(gaps().min(), Some(5));
    let (count, mean) = (early.len() as f64, 4.0 + 5.0);
    let sd = (20.0 / count).sqrt();
    let found = (early[early.len() - 1] - early[0]) as f64 / (count - 1.0);
    assert!((found - mean).abs() < 3.0 * sd, "{found} apart");
    assert_eq!(reordered("delay 10ms, reorder 20%, gap 1"), reordered("delay 10ms, reorder 20%"));
}

/// How long each of the frames was under way, which are sent so far apart that none overtakes.
fn delays(text: &str) -> Vec<f64> {
    let gap = 100 * MS;
    let (_, arrived) = pass(&mut line(text), FRAMES, gap);
    arrived.into_iter().map(|(time, index)| (time - index * gap) as f64).collect()
}

#[test]
fn jitter_is_uniform() {
    let mut delays = delays("delay 10ms, jitter 2ms");
    assert!(delays.iter().all(|delay| (8e6..=12e6).contains(delay)));
    assert_distribution("uniform", &mut delays, |delay| (delay - 8e6) / 4e6);
}

#[test]
fn jitter_is_normal() {
    let mut delays = delays("delay 20ms, jitter 2ms, distribution normal");
    let (mean, count) = (delays.iter().sum::<f64>() / FRAMES as f64, FRAMES as f64);
    let variance = delays.iter().map(|delay| (delay - mean).powi(2)).sum::<f64>() / count;
    assert!((mean - 20e6).abs() < 3.0 * 2e6 / count.sqrt(), "mean {mean}");
    assert!((variance.sqrt() - 2e6).abs() < 3.0 * 2e6 / (2.0 * count).sqrt(), "{variance}");
    assert_distribution("normal", &mut delays, |delay| normal((delay - 20e6) / 2e6));
}

#[test]
fn jitter_never_makes_a_delay_negative() {
    for text in ["delay 1ms, jitter 5ms", "delay 1ms, jitter 5ms, distribution normal"] {
        let delays = delays(text);
        let at_once = delays.iter().filter(|delay| **delay == 0.0).count() as u64;
        let share = if text.contains("normal") { normal(-0.2) } else { 0.4 };
        assert_share(text, at_once, FRAMES, share);
    }
}

#[test]
fn jitter_reorders_as_netem_does() {
    let (_, arrived) = pass(&mut line("delay 10ms, jitter 5ms"), FRAMES, MS);
    assert!(arrived.is_sorted_by_key(|(time, _)| *time));
    assert!(!arrived.is_sorted_by_key(|(_, index)| *index));
    assert_eq!(arrived.len() as u64, FRAMES);
}

#[test]
fn a_copy_has_a_delay_of_its_own() {
    let mut line = line("delay 10ms, jitter 5ms, duplicate 100%");
    line.accept(0, frame(0, 64));
    let arrived = drain(&mut line);
    assert_eq!(arrived.iter().map(|(_, frame)| number(frame)).collect::<Vec<_>>(), [0, 0]);
    assert_ne!(arrived[0].0, arrived[1].0);
}

/// Calculated with Python by the definitions in src/wire/draws.rs.
#[test]
fn a_seed_means_the_same_for_ever() {
    let (fates, _) = pass(&mut line("loss 1%"), 1000, US);
    let lost: Vec<usize> = (0..1000).filter(|index| fates[*index] == LOST).collect();
    assert_eq!(lost, [83, 114, 155, 211, 381, 445, 492, 595, 607, 645, 769, 825, 993]);

    let first = |text| delays(text)[..6].iter().map(|delay| *delay as u64).collect::<Vec<_>>();
    let uniform = [9_574_985, 10_826_514, 10_719_716, 9_914_087, 9_556_578, 10_741_244];
    assert_eq!(first("delay 10ms, jitter 1ms"), uniform);
    let normal = [9_414_437, 9_077_605, 10_714_294, 7_507_262, 9_546_871, 10_768_939];
    assert_eq!(first("delay 10ms, jitter 1ms, distribution normal"), normal);

    let mut line = line("corrupt 100%");
    let bits = [0; 6].map(|zero| {
        line.accept(0, vec![zero; 64]);
        let frame = line.take(0).unwrap();
        (0..512).find(|bit| frame[bit / 8] >> (bit % 8) & 1 == 1).unwrap()
    });
    assert_eq!(bits, [192, 493, 510, 175, 507, 170]);
}

#[test]
fn directions_and_seeds_differ() {
    let lost = |seed| pass(&mut Line::new(seed, impairment("loss 10%")), 200, US).0.map_lost();
    let base = lost(direction_seed(1, "lan", "KALI"));
    assert_eq!(lost(direction_seed(1, "lan", "KALI")), base);
    for other in [
        direction_seed(1, "lan", "R2"),
        direction_seed(2, "lan", "KALI"),
        direction_seed(1, "wan", "KALI"),
    ] {
        assert_ne!(lost(other), base);
    }
}
