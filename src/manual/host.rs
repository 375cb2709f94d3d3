//! Steps on the host: labnet itself.

use std::{
    os::unix::process::{CommandExt, ExitStatusExt},
    time::SystemTime,
};

use tokio::{io::AsyncReadExt, net::unix::pipe, process, time::timeout};

use super::{Step, run::Runner, seat::KEPT, stop::Stop};
use crate::{
    init::{LAB_VARIABLE, NODE_VARIABLE},
    lab::Exit,
};

/// Tells `labnet packets` where the section began.
pub(crate) const SINCE_VARIABLE: &str = "LABNET_SINCE";

impl Runner<'_> {
    /// Runs labnet itself on the host, with this lab for its lab.
    pub(super) async fn host(&mut self, step: &Step, words: &[String]) -> Result<String, Stop> {
        if let [screen, place] = words
            && screen == "screen"
        {
            return self.screen(step, place);
        }
        let io = |what: &str, error: std::io::Error| {
            Stop::failed(format!("cannot {what}: {error}"), String::new())
        };
        let (reader, writer) = std::io::pipe().map_err(|error| io("make a pipe", error))?;
        let program = std::env::current_exe().map_err(|error| io("find labnet", error))?;
        let mut command = std::process::Command::new(&program);
        if program.file_name().is_none_or(|name| name != "labnet") {
            // Called by this name as in a node, a test becomes labnet.
            command.arg0("labnet").env(NODE_VARIABLE, "");
        }
        command.args(words).env(LAB_VARIABLE, self.lab.plan().name.as_str());
        let since = self.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        command.env(SINCE_VARIABLE, format!("{}.{:09}", since.as_secs(), since.subsec_nanos()));
        command.env("TERM", "dumb").env("NO_COLOR", "1").stdin(std::process::Stdio::null());
        let both = writer.try_clone().map_err(|error| io("make a pipe", error))?;
        command.stdout(writer).stderr(both);
        let mut child = process::Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| io("start labnet", error))?;
        let reader = pipe::Receiver::from_owned_fd(reader.into())
            .map_err(|error| io("read what labnet says", error))?;
        let mut reader = reader.take(KEPT as u64 + 1);
        let mut bytes = Vec::new();
        let whole = async {
            reader.read_to_end(&mut bytes).await?;
            if bytes.len() > KEPT {
                child.start_kill()?;
            }
            child.wait().await
        };
        let ended = timeout(self.manual.timeout, whole).await;
        if bytes.len() > KEPT {
            return Err(Stop::failed("it printed more than is kept of it", String::new()));
        }
        let output = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        match ended {
            Ok(Ok(status)) => {
                let exit = status
                    .signal()
                    .map_or_else(|| Exit::Code(status.code().unwrap_or_default()), Exit::Signal);
                self.judge(step, exit, output)
            }
            Ok(Err(error)) => Err(io("wait for labnet", error)),
            Err(_) => Err(Stop::failed(
                format!("it did not end within {:?}", self.manual.timeout),
                output,
            )),
        }
    }

    /// What a terminal shows.
    fn screen(&mut self, step: &Step, place: &str) -> Result<String, Stop> {
        let found = place.split_once('/').and_then(|(node, terminal)| {
            self.seats
                .iter()
                .find(|((n, t), _)| n.as_str() == node && t == terminal)
                .map(|(_, seat)| seat)
        });
        match found {
            Some(seat) => {
                let screen = super::screen::of(&seat.screen());
                self.judge(step, Exit::Code(0), screen)
            }
            None => {
                Err(Stop::failed(format!("nobody is at the terminal `{place}`"), String::new()))
            }
        }
    }
}
