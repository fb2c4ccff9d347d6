//! Sending many TCP segments in one frame, which the device cuts up ("segmentation offload").
//!
//! smoltcp makes segments as long as its own MTU allows and the other side takes. So of a connection that may send
//! batches it is told, when the other side's SYN is replayed ([`crate::handshake`]), that the other side takes long ones,
//! and which of two interfaces it is asked over decides each time: the ordinary one, with the device's MTU, or one with
//! room for a batch. smoltcp has a feature for that, too; why it is not used is in decision 0088.
//!
//! What is repeated because of repeated acknowledgements is sent without looking at the other side's window, so that has
//! to be a single segment: from the first repeated acknowledgement on until a new one, the ordinary interface is asked.
//!
//! Only connections that were accepted send batches, and only to those who take whole packets of our MTU.

use crate::out::{BATCH_LEN, ETHERNET_LEN, Segments};
use crate::tcp::Connection;

/// Bytes of the headers of a TCP segment without options, from IP's on.
const HEADERS_LEN: usize = 40;

/// The bytes of a segment, rounded down so that what is sent lies alike in the buffer and in each segment, and is copied in
/// words.
pub(crate) fn whole_words(segment_len: u16) -> u16 {
    segment_len & !7
}

/// What a connection has to know to send batches.
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    /// Bytes of each segment.
    segment_len: u16,
    /// As many of them as go into a frame.
    pub payload_len: u16,
    /// The acknowledgement that came last, and the window with it.
    last: Option<(u32, u16)>,
    /// An acknowledgement was repeated, and no new one has come since.
    is_careful: bool,
}

impl Batch {
    /// For a connection to a side that takes segments of so many bytes. None if it is to send single ones.
    pub fn new(segment_len: u16, mtu: usize) -> Option<Batch> {
        // When a driver comes that cuts nothing up, packets as long as the MTU are sent.
        if usize::from(segment_len) + HEADERS_LEN < mtu {
            return None;
        }
        let segment_len = whole_words(u16::try_from(mtu - HEADERS_LEN).ok()?);
        let room = BATCH_LEN - ETHERNET_LEN - HEADERS_LEN;
        let payload_len = room / usize::from(segment_len) * usize::from(segment_len);
        Some(Batch {
            segment_len,
            payload_len: payload_len as u16,
            last: None,
            is_careful: false,
        })
    }
}

impl Connection {
    /// Whether the next packet may be a batch.
    pub fn may_send_batch(&self) -> bool {
        self.batch.is_some_and(|batch| !batch.is_careful)
    }

    /// Looks at a segment that has come, with an acknowledgement and a window.
    pub fn acknowledged(&mut self, segment: &[u8], ack: u32, window: u16) {
        let Some(batch) = &mut self.batch else { return };
        let last = batch.last.replace((ack, window));
        let is_new = last.is_none_or(|(before, _)| ack.wrapping_sub(before) as i32 > 0);
        let is_empty = segment.len() <= usize::from(segment[12] >> 4) * 4;
        if is_new {
            batch.is_careful = false;
        } else if is_empty && last == Some((ack, window)) {
            batch.is_careful = true;
        }
    }

    /// How a frame of ours is to be cut up that is longer than the MTU.
    pub fn segments(&self, frame: &[u8]) -> Option<Segments> {
        let len = self.batch?.segment_len;
        let at = ETHERNET_LEN + (frame.get(ETHERNET_LEN)? & 15) as usize * 4;
        let headers = at + (frame.get(at + 12)? >> 4) as usize * 4;
        let headers = headers as u16;
        Some(Segments { headers, len })
    }
}
