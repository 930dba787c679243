//! The frames of HTTP/2 (RFC 9113), for a peer that keeps to no rule.

use super::raw::Peer;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;

/// Of HEADERS: no more of them, or of anything, follows.
pub const END_HEADERS: u8 = 4;
/// Of SETTINGS.
const ACK: u8 = 1;
/// The error code of a request that was not looked at.
pub const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];

/// `200`, and that JSON follows, as HPACK (RFC 7541) writes it.
pub const OK_JSON: &[u8] = b"\x88\x0f\x10\x10application/json";
/// `103`, likewise.
pub const EARLY_HINTS: &[u8] = b"\x08\x03103";

/// A frame. Stream 0 is the connection.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

impl Peer<'_> {
    /// Begins to speak HTTP/2.
    pub fn greet(&mut self) {
        self.receive("SM\r\n\r\n".len());
        self.send(frame(SETTINGS, 0, 0, &[]));
    }

    /// The stream of the next request. What else is said is passed over.
    pub fn request(&mut self) -> Option<u32> {
        loop {
            let head = self.receive(9)?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            self.receive(length as usize)?;
            match (head[3], head[4]) {
                (HEADERS, _) => return Some(u32::from_be_bytes([head[5], head[6], head[7], head[8]])),
                (SETTINGS, 0) => {
                    self.send(frame(SETTINGS, ACK, 0, &[]));
                }
                _ => {}
            }
        }
    }
}
