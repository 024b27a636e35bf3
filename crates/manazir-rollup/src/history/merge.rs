//! When small segments become larger ones.
//!
//! Each batch is a segment, and a batch may be one finding. Sixteen segments of a size become one of the next, and what
//! comes to a full one becomes that: each finding is written five times or so, and some seventy segments
//! wait to be merged at the most.

/// Findings of a full segment: a table as of a time reads one or two of these, each in some milliseconds.
pub const FULL: u64 = 1 << 17;

/// Bytes of what came that a segment may have: what is unpacked at a time has a bound.
pub const BYTES_FULL: usize = 64 << 20;

/// So many segments of a size are merged.
const FAN: usize = 16;

/// How many of the last segments are merged now, which hold so many findings each; 0 if none are. `sizes`: of those
/// behind the last full one, in their order.
pub fn merged(sizes: &[u64]) -> usize {
    if sizes.len() > 1 && sizes.iter().sum::<u64>() >= FULL {
        return sizes.len();
    }
    let Some(level) = sizes.last().map(|size| level(*size)) else { return 0 };
    let same = sizes.iter().rev().take_while(|size| self::level(**size) <= level).count();
    if same >= FAN { same } else { 0 }
}

/// Which power of sixteen.
fn level(size: u64) -> u32 {
    size.max(1).ilog2() / FAN.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches of so many findings: how many segments wait at the most, and how often each finding was written.
    fn check(sizes: impl IntoIterator<Item = u64>, segments_max: usize, writes_max: f64) {
        let (mut tail, mut longest, mut findings, mut written) = (Vec::new(), 0, 0, 0);
        for size in sizes {
            findings += size;
            written += size;
            tail.push(size);
            loop {
                let count = merged(&tail);
                if count == 0 {
                    break;
                }
                let one: u64 = tail.split_off(tail.len() - count).into_iter().sum();
                written += one;
                if one < FULL {
                    tail.push(one);
                }
            }
            if tail.last().is_some_and(|last| *last >= FULL) {
                tail.clear();
            }
            longest = longest.max(tail.len());
        }
        assert!(longest <= segments_max, "{longest} segments");
        let writes = written as f64 / findings as f64;
        assert!(writes <= writes_max, "each finding was written {writes} times");
    }

    #[test]
    fn segments_are_few_and_each_finding_is_written_a_few_times() {
        check(std::iter::repeat_n(1, 300_000), 75, 5.5);
        check(std::iter::repeat_n(20_000, 100), 7, 2.1);
        check(std::iter::repeat_n(200_000, 10), 0, 1.0);
        check((0..40_000).map(|at| 1 + at % 977), 75, 5.0);
        check((0..400).map(|at| if at % 2 == 0 { 1 } else { 5_000 }), 75, 3.2);
    }
}
