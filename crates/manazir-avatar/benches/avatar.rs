//! Pictures a second: `cargo bench -p manazir-avatar --bench avatar`. One picture an iteration, each of another seed.

#![allow(clippy::unwrap_used, reason = "a measurement ends at the first surprise")]

use std::sync::atomic::{AtomicU32, Ordering};

use divan::{Bencher, counter::ItemsCount};
use manazir_avatar::{Avatar, Kind};

fn main() {
    divan::main();
}

fn each(bencher: Bencher<'_, '_>, draw: impl Fn(&str) -> usize + Sync) {
    let next = AtomicU32::new(0);
    let seed = || next.fetch_add(1, Ordering::Relaxed).to_string();
    bencher.counter(ItemsCount::new(1_u32)).with_inputs(seed).bench_refs(|seed| draw(seed));
}

#[divan::bench(args = Kind::ALL)]
fn svg(bencher: Bencher<'_, '_>, kind: Kind) {
    each(bencher, |seed| Avatar::of(kind, seed).svg().len());
}

#[divan::bench(args = Kind::ALL)]
fn png_of_128_pixels(bencher: Bencher<'_, '_>, kind: Kind) {
    each(bencher, |seed| Avatar::of(kind, seed).png(128).unwrap().len());
}
