//! A conversation with one peer.

use std::{
    cell::Cell,
    future,
    io::{self, ErrorKind},
    pin::pin,
    time::Duration,
};

use tokio::{
    io::{AsyncWriteExt, Stdout},
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::{Rules, Terminal, input::Input, peer::Peer, prefix::Prefix};
use crate::apps::Error;

/// Bytes of input sent at once.
const SEND_CHUNK: usize = 16 * 1024;

/// Bytes received at once; no datagram is larger.
pub(super) const RECEIVE_CHUNK: usize = 64 * 1024;

/// When the conversation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// When both sides have ended.
    BothDone,
    /// When the peer has, once the input that is there already is sent.
    PeerDone,
}

/// Sends input to the peer and what it sends to output, side by side, until the conversation ends.
///
/// Without [`Rules::half_close`] the end of input changes nothing for the peer.
pub(super) async fn converse(
    peer: &Peer,
    terminal: &mut Terminal,
    rules: &Rules,
    end: End,
) -> Result<(), Error> {
    let activity = Cell::new(Instant::now());
    let peer_done = Notify::new();
    let mut sending = pin!(send(peer, &mut terminal.input, rules, &activity, &peer_done));
    let mut receiving = pin!(receive(peer, &mut terminal.output, &activity));
    let idle_limit = rules.timeout.filter(|_| end == End::BothDone);
    let (mut sent, mut received) = (false, false);
    while !(sent && received) {
        tokio::select! {
            result = &mut sending, if !sent => match result {
                // The peer had said its last word: that it doesn't listen either is no surprise.
                Err(Error::Socket { source, .. }) if received && is_gone(&source) => return Ok(()),
                other => {
                    other?;
                    sent = true;
                }
            },
            result = &mut receiving, if !received => {
                result?;
                received = true;
                if end == End::PeerDone {
                    peer_done.notify_one();
                }
            }
            () = peer.broken(), if received => return Ok(()),
            () = idle(&activity, idle_limit) => return Ok(()),
            () = wait(rules.quit_after), if sent => return Ok(()),
        }
    }
    Ok(())
}

async fn send(
    peer: &Peer,
    input: &mut Input,
    rules: &Rules,
    activity: &Cell<Instant>,
    peer_done: &Notify,
) -> Result<(), Error> {
    let unreadable = |source| Error::Stdio { attempt: "read standard input", source };
    let unsent = |source| Error::Socket { attempt: "send to", address: peer.address, source };
    let mut prefix = rules.prefix.as_deref().map(Prefix::new);
    let mut buffer = vec![0; SEND_CHUNK];
    loop {
        tokio::select! {
            biased;
            ready = input.ready() => ready.map_err(unreadable)?,
            () = peer_done.notified() => break,
        }
        let count = input.read(&mut buffer).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        activity.set(Instant::now());
        match &mut prefix {
            Some(prefix) => peer.send(&prefix.apply(&buffer[..count])).await,
            None => peer.send(&buffer[..count]).await,
        }
        .map_err(unsent)?;
        activity.set(Instant::now());
    }
    if rules.half_close { peer.half_close().map_err(unsent) } else { Ok(()) }
}

async fn receive(peer: &Peer, output: &mut Stdout, activity: &Cell<Instant>) -> Result<(), Error> {
    let mut buffer = vec![0; RECEIVE_CHUNK];
    loop {
        let received = peer.receive(&mut buffer).await;
        activity.set(Instant::now());
        let failed =
            |source| Error::Socket { attempt: "receive from", address: peer.address, source };
        let Some(count) = received.map_err(failed)? else { return Ok(()) };
        if !write(output, &buffer[..count]).await? {
            return Ok(());
        }
    }
}

/// Writes to standard output at once, not when a line is whole; `false` where nobody reads it any more.
pub(super) async fn write(output: &mut Stdout, data: &[u8]) -> Result<bool, Error> {
    let written = match output.write_all(data).await {
        Ok(()) => output.flush().await,
        failed => failed,
    };
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(source) => Err(Error::Stdio { attempt: "write standard output", source }),
    }
}

/// Waits until nothing was sent or received for as long as `limit`.
async fn idle(activity: &Cell<Instant>, limit: Option<Duration>) {
    let Some(limit) = limit else { return future::pending().await };
    while activity.get().elapsed() < limit {
        sleep_until(activity.get() + limit).await;
    }
}

async fn wait(duration: Option<Duration>) {
    match duration {
        Some(duration) => sleep(duration).await,
        None => future::pending().await,
    }
}

/// Whether a send failed because the peer has closed the connection.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}
