//! Which columns tell the series of a table apart: on tables of many combinations, whatever their columns are called,
//! however their values are coded and in whatever order rows and columns come.

#![allow(clippy::unwrap_used, reason = "what a test sets up may panic")]

use std::collections::BTreeMap;

use expect_test::expect;
use manazir_catalog::{FileSource, Limits, Rejects, Role, SourceReader, collect, unwatched};
use manazir_model::Random;
use proptest::prelude::*;

/// A table in the making: columns by name, with the same number of cells each.
#[derive(Clone, Default)]
struct Made(Vec<(String, Vec<String>)>);

/// The order in which the rows of a table are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    /// All shops of an app in a country, then the next app.
    ShopFastest,
    /// All countries and apps of a shop, then the next shop.
    ShopSlowest,
    /// Any order within a time.
    Shuffled,
    /// All times of a combination, then the next combination.
    BySeries,
}

/// Cells of one row: time, then country, app and shop by number, then the number of the row.
type Cell<'a> = &'a dyn Fn([u64; 4], &mut Random) -> String;

const COUNTRIES: u64 = 5;
const APPS: u64 = 4;
const SHOPS: u64 = 200;

/// One row for each time and combination.
fn grid(times: u64, order: Order) -> Vec<[u64; 4]> {
    let mut rows = Vec::new();
    for time in 0..times {
        for combination in 0..COUNTRIES * APPS * SHOPS {
            let parts = if order == Order::ShopSlowest {
                [combination % COUNTRIES, combination / COUNTRIES % APPS, combination / COUNTRIES / APPS]
            } else {
                [combination / SHOPS / APPS, combination / SHOPS % APPS, combination % SHOPS]
            };
            rows.push([time, parts[0], parts[1], parts[2]]);
        }
    }
    let mut random = Random::new(7);
    match order {
        Order::Shuffled => rows.sort_by_cached_key(|row| (row[0], random.next_u64())),
        Order::BySeries => rows.sort_by_key(|row| [row[1], row[2], row[3], row[0]]),
        _ => {}
    }
    rows
}

fn time([time, ..]: [u64; 4], _: &mut Random) -> String {
    format!("2024-03-{:02} {:02}:00:00", 1 + time / 24, time % 24)
}

fn country([_, country, ..]: [u64; 4], _: &mut Random) -> String {
    ["BR", "DE", "FR", "JP", "US"][country as usize].to_owned()
}

fn app([_, _, app, _]: [u64; 4], _: &mut Random) -> String {
    format!("app-{app}")
}

fn shop([.., shop]: [u64; 4], _: &mut Random) -> String {
    format!("s{shop:03}")
}

fn number([.., shop]: [u64; 4], _: &mut Random) -> String {
    (shop + 1).to_string()
}

/// Whole numbers that follow the size of a shop, as counts do.
fn count([time, country, _, shop]: [u64; 4], random: &mut Random) -> String {
    let usual = 20 + country * 10 + shop % 17 + time % 24;
    (usual + random.next_u64() % usual).to_string()
}

fn made(rows: &[[u64; 4]], columns: &[(&str, Cell<'_>)]) -> Made {
    let mut random = Random::new(11);
    let column = |&(name, cell): &(&str, Cell<'_>)| {
        (name.to_owned(), rows.iter().map(|&row| cell(row, &mut random)).collect())
    };
    Made(columns.iter().map(column).collect())
}

impl Made {
    fn csv(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        let mut text = names.join(",") + "\n";
        for row in 0..self.0[0].1.len() {
            let cells: Vec<&str> = self.0.iter().map(|(_, cells)| cells[row].as_str()).collect();
            text += &(cells.join(",") + "\n");
        }
        text
    }

    /// Roles by column, with the reasons.
    fn roles(&self) -> BTreeMap<String, (Role, String)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sales.csv"), self.csv()).unwrap();
        let source = FileSource::new([folder.path().to_str().unwrap()], Limits::default());
        let catalog = source.discover(&mut unwatched).unwrap();
        let columns = &catalog.tables[0].columns;
        let role = |column: &manazir_catalog::Column| {
            (column.name.clone(), (column.role.value, column.role.reason.clone()))
        };
        columns.iter().map(role).collect()
    }

    fn dimensions(&self) -> Vec<String> {
        let roles = self.roles();
        let named = roles.iter().filter(|(_, (role, _))| *role == Role::Dimension);
        named.map(|(name, _)| name.clone()).collect()
    }
}

const GRID: [(&str, Cell<'static>); 5] =
    [("ts", &time), ("country", &country), ("app", &app), ("filiale", &shop), ("orders", &count)];

fn words(roles: &BTreeMap<String, (Role, String)>) -> String {
    roles.iter().map(|(name, (role, reason))| format!("{name}: {role:?}, {reason}\n")).collect()
}

const ORDERS: [Order; 4] = [Order::ShopFastest, Order::ShopSlowest, Order::Shuffled, Order::BySeries];

#[test]
fn a_dimension_of_many_values_belongs_to_the_key_in_any_order_of_rows() {
    for order in ORDERS {
        for times in [2, 6] {
            let rows = grid(times, order);
            assert_eq!(made(&rows, &GRID).dimensions(), ["app", "country", "filiale"], "{order:?} {times}");
            let coded: [(&str, Cell<'_>); 6] = [
                ("ts", &time),
                ("country", &country),
                ("app", &app),
                ("filiale", &number),
                ("orders", &count),
                ("baskets", &count),
            ];
            assert_eq!(made(&rows, &coded).dimensions(), ["app", "country", "filiale"], "{order:?} {times}");
        }
    }
}

#[test]
fn codes_alone_make_a_key() {
    let land: Cell<'_> = &|[_, country, ..], _| country.to_string();
    let product: Cell<'_> = &|[_, _, app, _], _| (app * 10).to_string();
    for order in ORDERS {
        let columns: [(&str, Cell<'_>); 7] = [
            ("ts", &time),
            ("land", land),
            ("ware", product),
            ("filiale", &number),
            ("orders", &count),
            ("baskets", &count),
            ("visits", &count),
        ];
        assert_eq!(made(&grid(4, order), &columns).dimensions(), ["filiale", "land", "ware"], "{order:?}");
    }
}

#[test]
fn the_reasons_say_what_each_column_does() {
    let roles = made(&grid(3, Order::ShopFastest), &GRID).roles();
    expect![[r#"
        app: Dimension, rows of equal time and key: 8777 without it, 0 with it
        country: Dimension, rows of equal time and key: 9377 without it, 0 with it
        filiale: Dimension, rows of equal time and key: 11718 without it, 0 with it
        orders: Measure, numbers
        ts: Time, see the table's time
    "#]]
    .assert_eq(&words(&roles));
    let mut coded = GRID;
    coded[3].1 = &number;
    let roles = made(&grid(3, Order::ShopFastest), &coded).roles();
    expect![[r#"
        app: Dimension, rows of equal time and key: 8776 without it, 0 with it
        country: Dimension, rows of equal time and key: 9376 without it, 0 with it
        filiale: Dimension, rows of equal time and key: 11717 without it, 0 with it, fewer than measured numbers would leave
        orders: Measure, numbers
        ts: Time, see the table's time
    "#]].assert_eq(&words(&roles));
}

/// What is no dimension, beside those that are.
#[test]
fn neither_texts_nor_ids_nor_measures_are_dimensions() {
    let row = std::cell::Cell::new(0_u64);
    let next = || {
        row.set(row.get() + 1);
        row.get()
    };
    let id: Cell<'_> = &|_, _| format!("{:016x}", next().wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let serial: Cell<'_> = &|_, _| (next() * 3 + 1_000_000).to_string();
    // Three lines of an order come at the same time.
    let thrice: Cell<'_> = &|[time, country, app, shop], _| {
        (time * 10_000 + (country * APPS + app) * SHOPS + shop / 3).to_string()
    };
    let comment: Cell<'_> = &|_, random| format!("came {} minutes late", random.below(9_000));
    let remark: Cell<'_> = &|_, random| format!("remark {}", random.below(300));
    let one: Cell<'_> = &|_, _| "EUR".to_owned();
    let seven: Cell<'_> = &|_, _| "7".to_owned();
    let revenue: Cell<'_> = &|_, random| (random.next_u64() % 5_000).to_string();
    let mut columns = GRID.to_vec();
    columns.extend([
        ("receipt", id),
        ("receipt_number", serial),
        ("order_id", thrice),
        ("note", comment),
        ("remark", remark),
        ("currency", one),
        ("version", seven),
        ("revenue", revenue),
        ("visits", &count),
    ]);
    let check = |columns: &[(&str, Cell<'_>)], order: Order| {
        let found = made(&grid(3, order), columns).dimensions();
        let names: Vec<&str> = columns[4..].iter().map(|column| column.0).collect();
        assert_eq!(found, ["app", "country", "filiale"], "{order:?} {names:?}");
    };
    columns[3].1 = &shop;
    check(&columns, Order::Shuffled);
    columns[3].1 = &number;
    [Order::ShopSlowest, Order::BySeries].into_iter().for_each(|order| check(&columns, order));
    for other in &columns[5..] {
        check(&[&columns[..5], &[*other]].concat(), Order::Shuffled);
    }
}

/// The shop is not in the table, so that 200 rows share time and key: nothing else may stand in for it.
#[test]
fn measures_and_texts_do_not_stand_in_for_a_dimension_that_is_missing() {
    let comment: Cell<'_> = &|_, random| format!("came {} minutes late", random.below(5_000));
    let revenue: Cell<'_> = &|_, random| (random.next_u64() % 5_000).to_string();
    let columns: [(&str, Cell<'_>); 6] = [
        ("ts", &time),
        ("country", &country),
        ("app", &app),
        ("orders", &count),
        ("revenue", revenue),
        ("baskets", &count),
    ];
    for order in [Order::ShopSlowest, Order::Shuffled] {
        let rows = grid(3, order);
        assert_eq!(made(&rows, &columns).dimensions(), ["app", "country"], "{order:?}");
        let mut told = columns.to_vec();
        told.push(("note", comment));
        let found = made(&rows, &told).dimensions();
        assert!(!found.contains(&"orders".to_owned()) && !found.contains(&"revenue".to_owned()), "{found:?}");
    }
}

/// Rows that come twice, corrected rows, and rows that come thrice each change nothing about the key.
#[test]
fn real_duplicates_are_no_reason_for_another_key() {
    let comment: Cell<'_> = &|_, random| format!("came {} minutes late", random.below(9_000));
    let mut told = GRID.to_vec();
    told.push(("note", comment));
    let mut coded = GRID;
    coded[3].1 = &number;
    for order in [Order::ShopSlowest, Order::Shuffled] {
        for (share, copies) in [(50, 1), (10, 1), (1, 2)] {
            let repeated = |row: (usize, &[u64; 4])| {
                vec![*row.1; if row.0.is_multiple_of(share) { 1 + copies } else { 1 }]
            };
            let rows: Vec<_> = grid(3, order).iter().enumerate().flat_map(repeated).collect();
            let which = format!("{order:?} {share} {copies}");
            assert_eq!(made(&rows, &GRID).dimensions(), ["app", "country", "filiale"], "corrected {which}");
            let (mut same, mut commented) = (made(&rows, &GRID), made(&rows, &told));
            for table in [&mut same, &mut commented] {
                for row in 1..rows.len() {
                    if rows[row] == rows[row - 1] {
                        table.0[4].1[row] = table.0[4].1[row - 1].clone();
                    }
                }
            }
            assert_eq!(same.dimensions(), ["app", "country", "filiale"], "repeated {which}");
            if share > 1 {
                assert_eq!(commented.dimensions(), ["app", "country", "filiale"], "commented {which}");
                assert_eq!(made(&rows, &coded).dimensions(), ["app", "country", "filiale"], "coded {which}");
            }
        }
    }
}

/// A few corrected rows do not make a dimension of the numbers that were corrected.
#[test]
fn corrected_numbers_of_few_values_stay_measures() {
    let small: Cell<'_> = &|_, random| random.below(9).to_string();
    let rows: Vec<[u64; 4]> =
        (0..400).flat_map(|time| vec![[time, 0, 0, 0]; 1 + usize::from(time % 50 == 7)]).collect();
    let mut table = made(&rows, &[("ts", &time), ("orders", small)]);
    for row in 1..rows.len() {
        if rows[row] == rows[row - 1] {
            table.0[1].1[row] = table.0[1].1[row - 1].clone() + "1";
        }
    }
    assert_eq!(table.roles()["orders"].0, Role::Measure);
}

/// What cannot be told apart is kept once, the last row, and counted.
#[test]
fn every_row_is_kept_but_those_that_come_twice() {
    let rows: Vec<[u64; 4]> = grid(3, Order::Shuffled).into_iter().flat_map(|row| [row, row]).collect();
    let mut table = made(&rows, &GRID);
    for row in 0..rows.len() {
        table.0[4].1[row] = (row * 7 % 1_000).to_string();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sales.csv"), table.csv()).unwrap();
    let source = FileSource::new([folder.path().to_str().unwrap()], Limits::default());
    let collection = collect(&source, &mut Rejects::in_memory(5), &mut unwatched).unwrap();
    assert_eq!(collection.series.len() as u64, COUNTRIES * APPS * SHOPS);
    assert!(
        collection
            .series
            .iter()
            .all(|series| series.len() == 3 && series.values.iter().all(|v| v % 2.0 == 1.0))
    );
    assert!(collection.quality.iter().all(|quality| quality.duplicates == 3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_columns_changes_nothing(
        shuffle in Just((0..7).collect::<Vec<usize>>()).prop_shuffle(),
        coded: bool,
        order in 0..4_usize,
    ) {
        let comment: Cell<'_> = &|_, random| format!("came {} minutes late", random.below(300));
        let mut columns = GRID.to_vec();
        columns.extend([("note", comment), ("baskets", &count as Cell<'_>)]);
        if coded {
            columns[3].1 = &number;
        }
        let table = made(&grid(2, ORDERS[order]), &columns);
        let shuffled = Made(shuffle.iter().map(|&column| table.0[column].clone()).collect());
        prop_assert_eq!(table.roles(), shuffled.roles());
    }
}
