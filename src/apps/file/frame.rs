//! The frames of `--verify`; their layout is in the module documentation of [`file`](super).

/// What every frame begins with; its first byte is neither ASCII nor UTF-8, so no text file begins so.
pub const MAGIC: [u8; 8] = *b"\x89LABNET\n";
/// The one version of the format.
pub const VERSION: u8 = 1;
/// Bytes before a frame's body: magic, version, kind, length of the body.
pub const HEADER: usize = 12;
/// Longest body that is read; a header that announces more is refused before anything is allocated.
pub const MAX_BODY: usize = 1024;

const OFFER: u8 = 1;
const RESUME: u8 = 2;
const STORED: u8 = 3;
const REFUSED: u8 = 4;

/// One frame of the verified mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Sender: what is to be transferred.
    Offer {
        /// Length of the file in bytes.
        length: u64,
        /// BLAKE3 of the whole content.
        hash: blake3::Hash,
        /// Base name as the sender has it; not yet judged.
        name: String,
    },
    /// Receiver: go on from this byte; those before it are here already.
    Resume {
        /// 0 to the length of the file.
        offset: u64,
    },
    /// Receiver: the whole content is durable under its name and has this hash.
    Stored {
        /// BLAKE3 of what was stored.
        hash: blake3::Hash,
    },
    /// Receiver: it will not store the file, and why.
    Refused {
        /// A sentence for people, without control characters.
        reason: String,
    },
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first eight bytes are not [`MAGIC`].
    #[error("it does not begin with the mark of `--verify`")]
    Magic,
    /// Another version of the format.
    #[error("version {0} of the format, known is {VERSION}")]
    Version(u8),
    /// A kind that version 1 does not have.
    #[error("unknown kind of frame {0}")]
    Kind(u8),
    /// The header announces a body over [`MAX_BODY`] bytes.
    #[error("a body of {0} bytes, at most {MAX_BODY} are allowed")]
    TooLong(u16),
    /// The body does not have the form of its kind.
    #[error("malformed body of a frame of kind {0}")]
    Body(u8),
}

impl Frame {
    /// The frame's bytes, header and body.
    ///
    /// A reason or name that would exceed [`MAX_BODY`] is cut at a character's end.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let kind = match self {
            Self::Offer { length, hash, name } => {
                body.extend(length.to_be_bytes());
                body.extend(hash.as_bytes());
                body.extend(prefix(name, MAX_BODY - body.len()).bytes());
                OFFER
            }
            Self::Resume { offset } => {
                body.extend(offset.to_be_bytes());
                RESUME
            }
            Self::Stored { hash } => {
                body.extend(hash.as_bytes());
                STORED
            }
            Self::Refused { reason } => {
                body.extend(prefix(reason, MAX_BODY).bytes());
                REFUSED
            }
        };
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        let mut frame = Vec::with_capacity(HEADER + body.len());
        frame.extend(MAGIC);
        frame.extend([VERSION, kind]);
        frame.extend(length.to_be_bytes());
        frame.extend(body);
        frame
    }

    /// The frame that a header and the body it announced make.
    ///
    /// # Errors
    /// Any [`FrameError`]; no input panics, and nothing is allocated beyond the body's size.
    pub fn decode(header: &[u8; HEADER], body: &[u8]) -> Result<Self, FrameError> {
        let (kind, length) = header_fields(header)?;
        let malformed = FrameError::Body(kind);
        if body.len() != length {
            return Err(malformed);
        }
        match kind {
            OFFER => {
                let (length, rest) = body.split_first_chunk().ok_or(malformed)?;
                let (hash, name) = rest.split_first_chunk().ok_or(malformed)?;
                let name = str::from_utf8(name).map_err(|_| malformed)?.to_owned();
                let (length, hash) = (u64::from_be_bytes(*length), blake3::Hash::from_bytes(*hash));
                Ok(Self::Offer { length, hash, name })
            }
            RESUME => {
                let offset = body.try_into().map_err(|_| malformed)?;
                Ok(Self::Resume { offset: u64::from_be_bytes(offset) })
            }
            STORED => {
                let hash: [u8; 32] = body.try_into().map_err(|_| malformed)?;
                Ok(Self::Stored { hash: hash.into() })
            }
            REFUSED => {
                let text = str::from_utf8(body).map_err(|_| malformed)?;
                Ok(Self::Refused { reason: text.replace(char::is_control, " ") })
            }
            _ => Err(FrameError::Kind(kind)),
        }
    }

    /// How many bytes of body follow this header, at most [`MAX_BODY`].
    ///
    /// # Errors
    /// [`FrameError`] when no frame that can be read begins so.
    pub fn body_length(header: &[u8; HEADER]) -> Result<usize, FrameError> {
        header_fields(header).map(|(_, length)| length)
    }
}

/// Kind and length of the body.
fn header_fields(header: &[u8; HEADER]) -> Result<(u8, usize), FrameError> {
    let [magic @ .., version, kind, high, low] = header;
    if *magic != MAGIC {
        return Err(FrameError::Magic);
    }
    if *version != VERSION {
        return Err(FrameError::Version(*version));
    }
    if !(OFFER..=REFUSED).contains(kind) {
        return Err(FrameError::Kind(*kind));
    }
    let length = u16::from_be_bytes([*high, *low]);
    if usize::from(length) > MAX_BODY {
        return Err(FrameError::TooLong(length));
    }
    Ok((*kind, usize::from(length)))
}

/// The longest prefix of `text` of at most `limit` bytes that ends at a character's end.
fn prefix(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}
