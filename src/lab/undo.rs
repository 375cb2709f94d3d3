//! What a lab takes back when a handle is dropped.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{LabError, session::Session};
use crate::init::{BendReply, BendRequest, Reply, Request};

/// A change of a lab that lasts as long as this.
#[derive(Debug)]
pub(super) struct Undo {
    session: Arc<Session>,
    /// What takes it back.
    request: Option<BendRequest>,
}

impl Undo {
    /// Asks for a change that `undone` takes back, given the reply; also if nobody waits for the reply any more.
    pub(super) async fn ask(
        session: &Arc<Session>,
        request: BendRequest,
        undone: fn(&BendReply) -> Option<BendRequest>,
    ) -> Result<(Self, BendReply), LabError> {
        let (_, mut replies) = session.ask(Request::Bend(request), &[]).await?;
        let (sender, receiver) = oneshot::channel();
        let session = session.clone();
        tokio::spawn(async move {
            let answer = match replies.next().await {
                Ok((Reply::Bend(reply), _)) => {
                    Ok((Self { request: undone(&reply), session }, reply))
                }
                Ok((other, _)) => Err(LabError::unexpected(&other)),
                Err(error) => Err(error),
            };
            // If nobody waits for it any more, it is dropped here, which undoes it.
            let _ = sender.send(answer);
        });
        receiver.await.map_err(|_| LabError::Gone)?
    }

    /// Takes it back, and waits until that holds.
    pub(super) async fn undo(mut self) -> Result<(), LabError> {
        let Some(request) = &self.request else { return Ok(()) };
        let (_, mut replies) = self.session.ask(Request::Bend(request.clone()), &[]).await?;
        // It has been asked for once.
        self.request = None;
        replies.next().await.map(|_| ())
    }

    /// It lasts.
    pub(super) fn keep(mut self) {
        self.request = None;
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            self.session.tell(Request::Bend(request));
        }
    }
}
