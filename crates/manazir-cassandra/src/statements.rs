//! Every statement that is sent. Names stand within quotes, so that they keep their case and may be words of the
//! language; values are always bound. What is read or written is one partition, by its whole key.

use manazir_rollup::KeyType;

use crate::tables::{CounterTable, Tables};

impl Tables {
    /// Make the tables that are missing.
    pub(crate) fn create(&self) -> Vec<String> {
        let key = &self.shape.key;
        let kind = match self.shape.key_type {
            KeyType::Integer => "bigint",
            KeyType::Text => "text",
        };
        let create = |table: &str, columns: String| {
            let table = self.quoted(table);
            format!("CREATE TABLE IF NOT EXISTS {table} (\"{key}\" {kind} PRIMARY KEY{columns})")
        };
        let counters = self.counters.iter().map(|table| {
            let columns = table.columns.iter().map(|column| format!(", \"{column}\" counter")).collect();
            create(&table.name, columns)
        });
        let names = self.names.iter().map(|(table, label)| create(table, format!(", \"{label}\" text")));
        counters.chain(names).collect()
    }

    /// Reads the counters of a key.
    pub(crate) fn read(&self, table: &CounterTable) -> String {
        let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{column}\"")).collect();
        let (columns, name, key) = (columns.join(", "), self.quoted(&table.name), &self.shape.key);
        format!("SELECT {columns} FROM {name} WHERE \"{key}\" = ?")
    }

    /// Adds to the counters of a key; the key comes last.
    pub(crate) fn add(&self, table: &CounterTable) -> String {
        let add = |column: &String| format!("\"{column}\" = \"{column}\" + ?");
        let columns: Vec<String> = table.columns.iter().map(add).collect();
        let (columns, name, key) = (columns.join(", "), self.quoted(&table.name), &self.shape.key);
        format!("UPDATE {name} SET {columns} WHERE \"{key}\" = ?")
    }

    /// Writes what a key is called, over what it was called before.
    pub(crate) fn write_name(&self) -> Option<String> {
        let (table, label) = self.names.as_ref()?;
        let (table, key) = (self.quoted(table), &self.shape.key);
        Some(format!("INSERT INTO {table} (\"{key}\", \"{label}\") VALUES (?, ?)"))
    }

    /// Reads what a key is called.
    pub(crate) fn read_name(&self) -> Option<String> {
        let (table, label) = self.names.as_ref()?;
        let (table, key) = (self.quoted(table), &self.shape.key);
        Some(format!("SELECT \"{label}\" FROM {table} WHERE \"{key}\" = ?"))
    }

    fn quoted(&self, table: &str) -> String {
        format!("\"{}\".\"{table}\"", self.keyspace)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_rollup::Shape;
    use manazir_rollup::contract::shape;

    use super::*;

    #[track_caller]
    fn check(shape: Shape, expect: Expect) {
        let tables = Tables::new("rmqtest", shape).unwrap();
        let mut all = tables.create();
        for table in &tables.counters {
            all.extend([tables.read(table), tables.add(table)]);
        }
        all.extend(tables.write_name());
        all.extend(tables.read_name());
        expect.assert_eq(&(all.join("\n") + "\n"));
    }

    #[test]
    fn the_statements_of_the_originals_table() {
        let table = "crowdsourcer_karma_distribution".to_owned();
        check(
            Shape { table, ..shape("crowdsourcer_karma", KeyType::Integer) },
            expect![[r#"
            CREATE TABLE IF NOT EXISTS "rmqtest"."crowdsourcer_karma_distribution" ("cs_id" bigint PRIMARY KEY, "minor_sum" counter, "medium_sum" counter, "high_sum" counter, "critical_sum" counter)
            CREATE TABLE IF NOT EXISTS "rmqtest"."crowdsourcer_karma_totals" ("cs_id" bigint PRIMARY KEY, "hits" counter, "karma" counter)
            CREATE TABLE IF NOT EXISTS "rmqtest"."crowdsourcer_karma_distribution_names" ("cs_id" bigint PRIMARY KEY, "cs_name" text)
            SELECT "minor_sum", "medium_sum", "high_sum", "critical_sum" FROM "rmqtest"."crowdsourcer_karma_distribution" WHERE "cs_id" = ?
            UPDATE "rmqtest"."crowdsourcer_karma_distribution" SET "minor_sum" = "minor_sum" + ?, "medium_sum" = "medium_sum" + ?, "high_sum" = "high_sum" + ?, "critical_sum" = "critical_sum" + ? WHERE "cs_id" = ?
            SELECT "hits", "karma" FROM "rmqtest"."crowdsourcer_karma_totals" WHERE "cs_id" = ?
            UPDATE "rmqtest"."crowdsourcer_karma_totals" SET "hits" = "hits" + ?, "karma" = "karma" + ? WHERE "cs_id" = ?
            INSERT INTO "rmqtest"."crowdsourcer_karma_distribution_names" ("cs_id", "cs_name") VALUES (?, ?)
            SELECT "cs_name" FROM "rmqtest"."crowdsourcer_karma_distribution_names" WHERE "cs_id" = ?
        "#]],
        );
    }

    #[test]
    fn the_statements_of_less() {
        let less = Shape { label: None, totals: None, ..shape("order", KeyType::Text) };
        check(
            less,
            expect![[r#"
            CREATE TABLE IF NOT EXISTS "rmqtest"."order_distribution" ("cs_id" text PRIMARY KEY, "minor_sum" counter, "medium_sum" counter, "high_sum" counter, "critical_sum" counter)
            SELECT "minor_sum", "medium_sum", "high_sum", "critical_sum" FROM "rmqtest"."order_distribution" WHERE "cs_id" = ?
            UPDATE "rmqtest"."order_distribution" SET "minor_sum" = "minor_sum" + ?, "medium_sum" = "medium_sum" + ?, "high_sum" = "high_sum" + ?, "critical_sum" = "critical_sum" + ? WHERE "cs_id" = ?
        "#]],
        );
    }
}
