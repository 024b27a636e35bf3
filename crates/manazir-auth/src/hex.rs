//! Bytes as hexadecimal digits, in the one form in which identities and secrets of this crate are written.

/// Lower case, two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of exactly `N` pairs of digits in lower case; `None` if it is anything else. One secret has one text, so
/// that nobody gets past a comparison of texts with another spelling.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// An identity made of bytes comes from its hexadecimal digits, and is written as them.
macro_rules! in_digits {
    ($identity:ident) => {
        impl $identity {
            /// The identity in its text; `None` for every other text.
            pub fn parse(text: &str) -> Option<Self> {
                crate::hex::unhex(text).map(Self)
            }
        }

        impl std::fmt::Display for $identity {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&crate::hex::hex(&self.0))
            }
        }
    };
}
pub(crate) use in_digits;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_other_spellings_do_not() {
        assert_eq!(unhex::<3>(&hex(&[0, 0xaf, 255])), Some([0, 0xaf, 255]));
        for wrong in ["", "00af", "00affff", "00AFFF", "00afg0", "0é0af"] {
            assert_eq!(unhex::<3>(wrong), None, "{wrong}");
        }
    }
}
