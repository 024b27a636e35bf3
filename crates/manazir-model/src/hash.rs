//! The hash by which things are numbered and spread. It is part of stored formats, hence not the one of the standard
//! library, which may change.

/// FNV-1a, 64 bits (Fowler, Noll, Vo 1991).
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Every bit of a hash in every other (Stafford's mix 13), for FNV alone leaves the low bits of short texts alike.
pub fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
