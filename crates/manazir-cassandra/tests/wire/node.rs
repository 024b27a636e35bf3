//! A node, as far as the client speaks with one: version 4 of the protocol, and the tables that the client asks for when
//! it connects. Of the language it knows the four forms of statements that the crate sends, and adds as Cassandra does.
//!
//! What stands in frames is as `native_protocol_v4.spec` of Apache Cassandra says.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// The password of the user `ann`.
pub(crate) const PASSWORD: &str = "s3cr3t";

/// Also the name of its data centre. No column is called so.
pub(crate) const KEYSPACE: &str = "tests";

const ERROR: u8 = 0x00;
const STARTUP: u8 = 0x01;
const READY: u8 = 0x02;
const AUTHENTICATE: u8 = 0x03;
const OPTIONS: u8 = 0x05;
const SUPPORTED: u8 = 0x06;
const QUERY: u8 = 0x07;
const RESULT: u8 = 0x08;
const PREPARE: u8 = 0x09;
const EXECUTE: u8 = 0x0a;
const REGISTER: u8 = 0x0b;
const AUTH_RESPONSE: u8 = 0x0f;
const AUTH_SUCCESS: u8 = 0x10;

/// Types, as the option of a column says them.
const BIGINT: &[u8] = &[0, 2];
const BOOLEAN: &[u8] = &[0, 4];
const COUNTER: &[u8] = &[0, 5];
const UUID: &[u8] = &[0, 12];
const TEXT: &[u8] = &[0, 13];
const INET: &[u8] = &[0, 16];
const LIST: &[u8] = &[0, 32, 0, 13];
const MAP: &[u8] = &[0, 33, 0, 13, 0, 13];
const SET: &[u8] = &[0, 34, 0, 13];

/// What becomes of an addition to counters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It is made, and the answer is that it took too long.
    MadeButTimedOut,
    /// It is not made, and the answer is that it took too long.
    TimedOut,
    /// There are too few replicas.
    Unavailable,
    /// It is made, and the connection ends.
    MadeButDropped,
}

/// The cells of a row by the names of their columns.
type Cells = BTreeMap<String, Vec<u8>>;

#[derive(Default)]
struct Inside {
    login: bool,
    /// Of each table its columns with their types, the key first.
    tables: BTreeMap<String, Vec<(String, &'static [u8])>>,
    rows: BTreeMap<(String, Vec<u8>), Cells>,
    prepared: HashMap<Vec<u8>, String>,
    fates: VecDeque<Fate>,
    /// The levels of consistency that were asked for by what was prepared.
    levels: Vec<u16>,
    additions: usize,
}

/// See the module. It lives until the test does.
pub(crate) struct Node {
    port: u16,
    inside: Arc<Mutex<Inside>>,
}

impl Node {
    pub(crate) fn start() -> Self {
        Self::begin(false)
    }

    /// Lets in nobody but `ann` with [`PASSWORD`].
    pub(crate) fn start_with_login() -> Self {
        Self::begin(true)
    }

    fn begin(login: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let inside = Arc::new(Mutex::new(Inside { login, ..Inside::default() }));
        let shared = Arc::clone(&inside);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                // A connection ends as the client ends it.
                thread::spawn(move || serve(stream.unwrap(), &shared).ok());
            }
        });
        Self { port, inside }
    }

    pub(crate) fn url(&self) -> String {
        format!("cassandra://127.0.0.1:{}/{KEYSPACE}", self.port)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// What becomes of the next additions.
    pub(crate) fn fates(&self, fates: &[Fate]) {
        self.lock().fates.extend(fates);
    }

    /// The levels of consistency that were asked for since it was asked last.
    pub(crate) fn levels(&self) -> Vec<u16> {
        std::mem::take(&mut self.lock().levels)
    }

    /// The additions that arrived since it was asked last.
    pub(crate) fn additions(&self) -> usize {
        std::mem::take(&mut self.lock().additions)
    }

    /// Makes a table as somebody else did before.
    pub(crate) fn make(&self, table: &str) {
        let columns = vec![("cs_id".to_owned(), BIGINT), ("other".to_owned(), COUNTER)];
        self.lock().tables.insert(table.to_owned(), columns);
    }

    /// All rows of a table, as `key column=value`: as an older reader finds them, by their bytes.
    pub(crate) fn rows(&self, table: &str) -> Vec<String> {
        let inside = self.lock();
        let types: BTreeMap<&str, &[u8]> =
            inside.tables[table].iter().map(|(name, kind)| (&**name, *kind)).collect();
        let shown = |bytes: &[u8], kind: &[u8]| match kind {
            TEXT => format!("{:?}", str::from_utf8(bytes).unwrap()),
            _ => i64::from_be_bytes(bytes.try_into().unwrap()).to_string(),
        };
        let row = |((_, key), cells): (&(String, Vec<u8>), &Cells)| {
            let key = shown(key, inside.tables[table][0].1);
            let cells: String = cells
                .iter()
                .map(|(name, bytes)| format!(" {name}={}", shown(bytes, types[&**name])))
                .collect();
            key + &cells
        };
        inside.rows.iter().filter(|((name, _), _)| name == table).map(row).collect()
    }
}

/// A body that is written.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn short(mut self, number: usize) -> Self {
        self.0.extend(u16::try_from(number).unwrap().to_be_bytes());
        self
    }

    fn int(mut self, number: i32) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    fn string(self, text: &str) -> Self {
        let mut body = self.short(text.len());
        body.0.extend(text.as_bytes());
        body
    }

    fn bytes(self, bytes: Option<&[u8]>) -> Self {
        let mut body = self.int(bytes.map_or(-1, |bytes| bytes.len() as i32));
        body.0.extend(bytes.unwrap_or_default());
        body
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// Flag that there is one table for all columns, how many there are, `between`, the table, the columns.
    fn columns(self, table: &str, columns: &[(&str, &[u8])], between: &[u8]) -> Self {
        let body = self.int(1).int(columns.len() as i32).raw(between).string(KEYSPACE).string(table);
        columns.iter().fold(body, |body, (name, kind)| body.string(name).raw(kind))
    }
}

/// A body that is read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> &'b [u8] {
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    fn int(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    fn bytes(&mut self) -> &'b [u8] {
        let length = self.int();
        self.take(length.try_into().unwrap())
    }
}

/// An answer; without one the connection ends.
type Answer = Option<(u8, Body)>;

fn error(code: i32, says: &str) -> Body {
    Body::default().int(code).string(says)
}

fn serve(mut stream: TcpStream, inside: &Mutex<Inside>) -> io::Result<()> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [version, _, stream_high, stream_low, opcode, length @ ..] = head;
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut body)?;
        assert_eq!(version, 4);
        let Some((opcode, Body(body))) = answer(opcode, &body, &mut inside.lock().unwrap()) else {
            return Ok(());
        };
        let mut frame = vec![0x84, 0, stream_high, stream_low, opcode];
        frame.extend((body.len() as u32).to_be_bytes());
        frame.extend(body);
        stream.write_all(&frame)?;
    }
}

fn answer(opcode: u8, body: &[u8], inside: &mut Inside) -> Answer {
    let mut body = Reader(body);
    let ready = Some((READY, Body::default()));
    match opcode {
        OPTIONS => Some((SUPPORTED, Body::default().short(1).string("CQL_VERSION").short(1).string("3.4.5"))),
        STARTUP if inside.login => {
            Some((AUTHENTICATE, Body::default().string("org.apache.cassandra.auth.PasswordAuthenticator")))
        }
        STARTUP | REGISTER => ready,
        AUTH_RESPONSE if body.bytes() == format!("\0ann\0{PASSWORD}").as_bytes() => {
            Some((AUTH_SUCCESS, Body::default().bytes(None)))
        }
        AUTH_RESPONSE => Some((ERROR, error(0x0100, "Provided username and/or password are incorrect"))),
        QUERY => {
            let text = str::from_utf8(body.bytes()).unwrap();
            run(text, &[], inside)
        }
        PREPARE => {
            let text = str::from_utf8(body.bytes()).unwrap();
            Some(prepare(text, inside).map_or_else(|error| (ERROR, error), |body| (RESULT, body)))
        }
        EXECUTE => {
            let length = body.short().into();
            let id = body.take(length);
            let text = inside.prepared[id].clone();
            let level = body.short();
            if text.contains('"') {
                inside.levels.push(level);
            }
            let has_values = body.take(1)[0] & 1 == 1;
            let count = if has_values { body.short() } else { 0 };
            let values: Vec<&[u8]> = (0..count).map(|_| body.bytes()).collect();
            run(&text, &values, inside)
        }
        _ => Some((ERROR, error(0x000a, "no such opcode"))),
    }
}

/// The names that stand within quotes in a statement, after the keyspace: those before it, the table, those behind it.
fn names(text: &str) -> (Vec<&str>, &str, Vec<&str>) {
    let mut before: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    let at = before.iter().position(|name| *name == KEYSPACE).unwrap();
    let mut table = before.split_off(at);
    let behind = table.split_off(2);
    (before, table[1], behind)
}

/// What a prepared statement takes and gives.
fn prepare(text: &str, inside: &mut Inside) -> Result<Body, Body> {
    let id = text.as_bytes()[..text.len().min(9)]
        .iter()
        .copied()
        .chain((inside.prepared.len() as u64).to_be_bytes());
    let id: Vec<u8> = id.collect();
    let result = Body::default().int(4).short(id.len()).raw(&id);
    let nothing = |body: Body| body.int(4).int(0);
    let body = if text.contains("FROM system") {
        let (table, columns) = system_columns(text);
        // Lists of keyspaces are all that the client binds there.
        let bound = if text.contains('?') { &[("keyspace_name", LIST)][..] } else { &[] };
        let result = result.columns(table, bound, &0_i32.to_be_bytes());
        Ok(result.columns(table, &columns, &[]))
    } else {
        let (before, table, behind) = names(text);
        let known = inside.tables.get(table).ok_or_else(|| error(0x2200, "unconfigured table"))?;
        let typed = |name: &&'_ str| {
            let known = known.iter().find(|(known, _)| known == name);
            known.map(|(name, kind)| (&**name, *kind)).ok_or_else(|| error(0x2200, "Undefined column name"))
        };
        // The names that are bound, in their order, and which of them is the key.
        let (bound, key) = match text.split(' ').next() {
            Some("SELECT") => (behind, 0),
            Some("INSERT") => (behind, 0),
            // Each counter stands there twice.
            _ => (behind.iter().copied().step_by(2).collect(), behind.len() / 2),
        };
        let bound: Vec<_> = bound.iter().map(typed).collect::<Result<_, _>>()?;
        let given: Vec<_> = before.iter().map(typed).collect::<Result<_, _>>()?;
        let keys = [1_i32.to_be_bytes().as_slice(), &(key as u16).to_be_bytes()].concat();
        let result = result.columns(table, &bound, &keys);
        Ok(if given.is_empty() { nothing(result) } else { result.columns(table, &given, &[]) })
    };
    inside.prepared.insert(id, text.to_owned());
    body
}

fn run(text: &str, values: &[&[u8]], inside: &mut Inside) -> Answer {
    let void = Some((RESULT, Body::default().int(1)));
    let verb = text.split(' ').next().unwrap();
    if text.contains("FROM system") {
        return Some(match system_rows(text) {
            Some(body) => (RESULT, body),
            None => (ERROR, error(0x2200, "unconfigured table")),
        });
    }
    let (before, table, behind) = names(text);
    match verb {
        "CREATE" => {
            let kinds = text.split('"').skip(6).step_by(2).map(|behind| match behind.trim_start() {
                kind if kind.starts_with("bigint") => BIGINT,
                kind if kind.starts_with("counter") => COUNTER,
                kind if kind.starts_with("text") => TEXT,
                kind => panic!("{kind}"),
            });
            let columns = behind.iter().map(|&name| name.to_owned()).zip(kinds).collect();
            inside.tables.entry(table.to_owned()).or_insert(columns);
            let body =
                Body::default().int(5).string("CREATED").string("TABLE").string(KEYSPACE).string(table);
            Some((RESULT, body))
        }
        "SELECT" => {
            let kinds = &inside.tables[table];
            let kind = |name: &str| kinds.iter().find(|(known, _)| known == name).unwrap().1;
            let columns: Vec<_> = before.iter().map(|&name| (name, kind(name))).collect();
            let row = inside.rows.get(&(table.to_owned(), values[0].to_vec()));
            let body = Body::default().int(2).columns(table, &columns, &[]).int(i32::from(row.is_some()));
            let body = row
                .into_iter()
                .flat_map(|row| before.iter().map(|&name| row.get(name)))
                .fold(body, |body, cell| body.bytes(cell.map(Vec::as_slice)));
            Some((RESULT, body))
        }
        "INSERT" => {
            let row = inside.rows.entry((table.to_owned(), values[0].to_vec())).or_default();
            row.insert(behind[1].to_owned(), values[1].to_vec());
            void
        }
        "UPDATE" => {
            inside.additions += 1;
            let fate = inside.fates.pop_front();
            if let None | Some(Fate::MadeButTimedOut | Fate::MadeButDropped) = fate {
                let (key, amounts) = values.split_last().unwrap();
                assert!(!key.is_empty(), "Key may not be empty");
                let row = inside.rows.entry((table.to_owned(), key.to_vec())).or_default();
                for (name, amount) in behind.iter().step_by(2).zip(amounts) {
                    let number = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap());
                    let cell = row.entry((*name).to_owned()).or_insert_with(|| vec![0; 8]);
                    *cell = number(cell).wrapping_add(number(amount)).to_be_bytes().to_vec();
                }
            }
            match fate {
                None => void,
                Some(Fate::MadeButDropped) => None,
                Some(Fate::Unavailable) => {
                    Some((ERROR, error(0x1000, "Cannot achieve consistency level").short(4).int(2).int(1)))
                }
                Some(Fate::MadeButTimedOut | Fate::TimedOut) => {
                    let body = error(0x1100, "Operation timed out").short(4).int(1).int(2).string("COUNTER");
                    Some((ERROR, body))
                }
            }
        }
        verb => panic!("{verb}"),
    }
}

/// The table of the server and the columns that are asked of it.
fn system_columns(text: &str) -> (&str, Vec<(&str, &'static [u8])>) {
    let (columns, rest) = text.strip_prefix("SELECT ").unwrap().split_once(" FROM ").unwrap();
    let table = rest.split(' ').next().unwrap();
    let kind = |name: &str| match name {
        "host_id" | "schema_version" => UUID,
        "rpc_address" => INET,
        "tokens" => SET,
        "replication" => MAP,
        "durable_writes" => BOOLEAN,
        _ => TEXT,
    };
    (table, columns.split(", ").map(|name| (name, kind(name))).collect())
}

/// What a cluster of one node with one keyspace says of itself; nothing where Cassandra has no such table.
fn system_rows(text: &str) -> Option<Body> {
    let (table, columns) = system_columns(text);
    let rows = match table {
        "system.local" | "system_schema.keyspaces" => 1,
        "system.peers" | "system_schema.tables" | "system_schema.views" => 0,
        _ => return None,
    };
    let body = Body::default().int(2).columns(table, &columns, &[]).int(rows);
    if rows == 0 {
        return Some(body);
    }
    let cell = |name: &str| match name {
        "host_id" | "schema_version" => vec![7; 16],
        "rpc_address" => vec![127, 0, 0, 1],
        "tokens" => Body::default().int(1).bytes(Some(b"0")).0,
        "replication" => {
            let pairs =
                [("class", "org.apache.cassandra.locator.SimpleStrategy"), ("replication_factor", "1")];
            let cell = |body: Body, (key, value): (&str, &str)| {
                body.bytes(Some(key.as_bytes())).bytes(Some(value.as_bytes()))
            };
            pairs.into_iter().fold(Body::default().int(2), cell).0
        }
        "durable_writes" => vec![1],
        _ => KEYSPACE.as_bytes().to_vec(),
    };
    Some(columns.iter().fold(body, |body, (name, _)| body.bytes(Some(&cell(name)))))
}
