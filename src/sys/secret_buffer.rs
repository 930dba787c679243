//! Reads what may hold a secret, up to a limit. A `Vec` that grows leaves copies of it behind; one of the limit's size costs
//! more to zero than all the rest of a short run.

use std::io::{self, Read};

use zeroize::Zeroizing;

/// How much larger the next buffer is.
const GROWTH: usize = 4;

/// All that there is; `None` if that is more than `max` octets. `expected` octets fit without another buffer.
pub(crate) fn read(reader: &mut dyn Read, expected: usize, max: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut buffer = new(expected, max);
    while has_room(&mut buffer, max) {
        let room = buffer.capacity() - buffer.len();
        let read = reader.take(room as u64).read_to_end(&mut buffer)?;
        if read < room {
            return Ok(Some(buffer));
        }
    }
    Ok(None)
}

/// An empty buffer for so many octets, and one more, so that the end is seen.
pub(crate) fn new(expected: usize, max: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(expected.min(max).saturating_add(1)))
}

/// Makes room where there is none, and zeroes the buffer that was too small. `false` once there are more than `max` octets.
pub(crate) fn has_room(buffer: &mut Zeroizing<Vec<u8>>, max: usize) -> bool {
    if buffer.len() > max {
        return false;
    }
    if buffer.len() == buffer.capacity() {
        let mut larger = new(buffer.capacity().saturating_mul(GROWTH), max);
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives three octets at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(3);
            self.0.read(&mut buffer[..length])
        }
    }

    #[test]
    fn all_of_it_or_nothing() {
        let text: Vec<u8> = (0..=255).collect();
        for length in 0..text.len() {
            for (expected, max) in [(0, 200), (10, 200), (200, 200), (1000, 200), (0, 0)] {
                let read = read(&mut Slow(&text[..length]), expected, max).unwrap();
                let whole = (length <= max).then(|| text[..length].to_vec());
                assert_eq!(read.map(|read| read.to_vec()), whole, "{length} {expected} {max}");
            }
        }
    }
}
