//! Elements of a cube of 48,000 leaves, and of ten million rows of twelve dimensions, building included.

use divan::Bencher;
use manazir_model::Random;
use manazir_rca::contributors::{Config, Cube, Dimension, Measure, Rows, SummaryConfig, explain, summary};

fn main() {
    divan::main();
}

/// Two causes: a value of the first dimension, and one value each of the second and third.
fn rows(sizes: &[usize], n_rows: usize, code: impl Fn(&mut Random, usize, usize) -> u32) -> Rows {
    let mut random = Random::new(7);
    let dimension = |(place, size): (usize, &usize)| Dimension {
        name: format!("d{place}"),
        values: (0..*size).map(|value| format!("{value:03}")).collect(),
    };
    let mut codes = vec![Vec::with_capacity(n_rows); sizes.len()];
    let (mut actual, mut expected) = (Vec::with_capacity(n_rows), Vec::with_capacity(n_rows));
    for row in 0..n_rows {
        for (dimension, codes) in codes.iter_mut().enumerate() {
            codes.push(code(&mut random, row, dimension));
        }
        let size = -100.0 * (1.0 - random.uniform()).ln();
        let kept = match (codes[0][row], codes[1][row], codes[2][row]) {
            (3, _, _) => 0.6,
            (_, 1, 4) => 0.3,
            _ => 1.0,
        };
        actual.push(size * kept * (1.0 + 0.1 * random.normal()).max(0.0));
        expected.push(size);
    }
    Rows {
        dimensions: sizes.iter().enumerate().map(dimension).collect(),
        codes,
        measure: Measure::Additive { actual, expected },
    }
}

fn leaves_48_000() -> Cube {
    const SIZES: [usize; 5] = [10, 12, 10, 8, 5];
    let code = |_: &mut Random, row: usize, dimension: usize| {
        (row / SIZES[dimension + 1..].iter().product::<usize>() % SIZES[dimension]) as u32
    };
    Cube::new(rows(&SIZES, SIZES.iter().product(), code)).expect("rows are whole")
}

#[divan::bench]
fn elements_48_000_leaves(bencher: Bencher) {
    let cube = leaves_48_000();
    bencher.bench(|| explain(&cube, &Config::default()));
}

#[divan::bench]
fn table_48_000_leaves(bencher: Bencher) {
    let cube = leaves_48_000();
    bencher.bench(|| summary(&cube, &SummaryConfig::default()));
}

#[divan::bench(sample_count = 3)]
fn ten_million_rows_of_twelve_dimensions(bencher: Bencher) {
    const SIZES: [usize; 12] = [20, 12, 10, 8, 5, 30, 6, 4, 15, 3, 10, 8];
    let rows = rows(&SIZES, 10_000_000, |random, _, dimension| random.below(SIZES[dimension]) as u32);
    bencher
        .with_inputs(|| rows.clone())
        .bench_local_values(|rows| explain(&Cube::new(rows).expect("rows are whole"), &Config::default()));
}
