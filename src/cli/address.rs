//! Addresses on the command lines of lab programs.

/// Accepts what has a port; whether the host exists is found out by trying.
pub(crate) fn host_and_port(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
            Ok(text.to_owned())
        }
        _ => Err("write HOST:PORT, as in `10.10.10.2:5001`, `R2:5001` or `[::1]:5001`".to_owned()),
    }
}
