//! Packed deliveries.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::MultiGzDecoder;

use super::Error;

/// The bytes themselves, or what they hold if they are gzip; `most` bytes at most, so that a small file
/// cannot fill the memory.
pub fn unpack(bytes: &[u8], most: usize) -> Result<Cow<'_, [u8]>, Error> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return if bytes.len() > most { Err(Error::TooLarge { most }) } else { Ok(Cow::Borrowed(bytes)) };
    }
    let mut unpacked = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked).map_err(Error::Gzip)?;
    if unpacked.len() > most {
        return Err(Error::TooLarge { most });
    }
    Ok(Cow::Owned(unpacked))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_told_by_its_first_bytes_and_bounded() {
        assert_eq!(unpack(b"{}", 2).unwrap(), b"{}".as_slice());
        assert_eq!(unpack(&packed(b"{\"a\":1}"), 7).unwrap(), b"{\"a\":1}".as_slice());
        let mut twice = packed(b"{}");
        twice.extend(packed(b"{}"));
        assert_eq!(unpack(&twice, 99).unwrap(), b"{}{}".as_slice());
        assert!(matches!(unpack(&packed(&[b' '; 1 << 16]), 1_000), Err(Error::TooLarge { most: 1_000 })));
        assert!(matches!(unpack(b"{}", 1), Err(Error::TooLarge { most: 1 })));
        assert!(matches!(unpack(&packed(b"{}")[..9], 99), Err(Error::Gzip(_))));
    }
}
