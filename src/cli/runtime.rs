//! Where the asynchronous lab programs run.

use super::exit::{BROKE, Failure};

/// Runs a lab program to its end on this thread.
///
/// Doesn't wait for reads and writes of standard streams that are still blocked when the program is done.
pub(crate) fn block_on<T>(program: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
            Failure::new(BROKE, format_args!("cannot start the event loop: {error}"))
        })?;
    let output = runtime.block_on(program);
    runtime.shutdown_background();
    Ok(output)
}
