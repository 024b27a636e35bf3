//! Each real server starts, answers, and comes back at the same address.

use std::io::{Read, Write};
use std::net::TcpStream;

use manazir_testkit::alertmanager::Alertmanager;
use manazir_testkit::arcadedb::ArcadeDb;
use manazir_testkit::mosquitto::Mosquitto;
use manazir_testkit::postgres::Postgres;
use manazir_testkit::prometheus::Prometheus;
use manazir_testkit::rabbitmq::Rabbit;
use manazir_testkit::redis::Redis;

/// The first bytes that the server behind `url` answers to `bytes`.
fn answer(url: &str, bytes: &[u8]) -> Option<String> {
    let (_, address) = url.split_once("://")?;
    let address = address.rsplit('@').next()?.split('/').next()?;
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(bytes).ok()?;
    let mut answer = [0; 12];
    let length = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// What a client of AMQP 0.9.1 says first; the server answers by `connection.start`.
const AMQP: &[u8] = b"AMQP\0\0\x09\x01";
/// CONNECT of MQTT 3.1.1 without a name.
const MQTT: &[u8] = b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0";

#[test]
fn a_node_comes_back_with_what_it_had_needs_rabbitmq() {
    let mut rabbit = Rabbit::start();
    let amqp = |rabbit: &Rabbit| answer(&rabbit.url(), AMQP).is_some_and(|answer| answer.starts_with('\x01'));
    assert!(amqp(&rabbit));
    let (first, second) = (rabbit.vhost(), rabbit.vhost());
    assert_ne!(first, second);
    let name = first.rsplit('/').next().expect("an address ends with the virtual host");
    let durable = r#"{"durable":true,"arguments":{"x-queue-type":"quorum"}}"#;
    rabbit.management("PUT", &format!("/api/queues/{name}/q"), durable);
    rabbit.kill();
    assert!(!amqp(&rabbit));
    rabbit.restart();
    assert!(amqp(&rabbit));
    assert!(rabbit.management("GET", &format!("/api/queues/{name}/q"), "").contains("quorum"));
    rabbit.stop_app();
    assert!(!amqp(&rabbit));
    rabbit.start_app();
    assert!(amqp(&rabbit));
}

#[test]
fn a_server_of_tables_comes_back_needs_postgres() {
    let mut server = Postgres::start();
    // Its answer to the question for an encrypted connection, which it has no certificate for.
    let asked = |server: &Postgres| answer(&server.url(), b"\0\0\0\x08\x04\xd2\x16\x2f");
    assert_eq!(asked(&server).as_deref(), Some("N"));
    server.kill();
    assert_eq!(asked(&server), None);
    server.restart();
    assert_eq!(asked(&server).as_deref(), Some("N"));
}

#[test]
fn a_broker_of_sensors_comes_back_needs_mosquitto() {
    let mut broker = Mosquitto::start();
    let accepted = |broker: &Mosquitto| answer(&broker.url(), MQTT).as_deref() == Some("\x20\x02\0\0");
    assert!(accepted(&broker));
    broker.kill();
    assert!(!accepted(&broker));
    broker.restart();
    assert!(accepted(&broker));
}

#[test]
fn a_server_of_hashes_comes_back_with_what_it_acknowledged_needs_redis() {
    let mut server = Redis::start();
    let said = |server: &Redis, command: &[u8]| answer(&server.url(), command);
    assert_eq!(said(&server, b"INCRBY n 41\r\n").as_deref(), Some(":41\r\n"));
    server.kill();
    assert_eq!(said(&server, b"INCR n\r\n"), None);
    server.restart();
    assert_eq!(said(&server, b"INCR n\r\n").as_deref(), Some(":42\r\n"));
}

#[test]
fn a_server_of_metrics_takes_its_configuration_needs_prometheus() {
    let server = Prometheus::start("global:\n  scrape_interval: 17s\n");
    let status = answer(&server.url(), b"GET /api/v1/status/config HTTP/1.0\r\n\r\n");
    assert_eq!(status.as_deref(), Some("HTTP/1.0 200"));
}

#[test]
fn a_server_of_alerts_takes_its_configuration_needs_alertmanager() {
    let server = Alertmanager::start("route:\n  receiver: none\nreceivers:\n  - name: none\n");
    let status = answer(&server.url(), b"GET /api/v2/status HTTP/1.0\r\n\r\n");
    assert_eq!(status.as_deref(), Some("HTTP/1.0 200"));
}

/// Its answer to the greeting of Bolt: the version that it picks of those it is offered, here 4.4 alone.
#[test]
fn a_server_of_graphs_comes_back_needs_arcadedb() {
    const HELLO: &[u8] = b"\x60\x60\xb0\x17\0\0\x04\x04\0\0\0\0\0\0\0\0\0\0\0\0";
    let mut server = ArcadeDb::start();
    let picked = |server: &ArcadeDb| {
        let url = server.url();
        let place = url.rsplit_once('@').unwrap().1.strip_suffix("/manazir").unwrap();
        answer(&format!("bolt://{place}"), HELLO)
    };
    assert_eq!(picked(&server).as_deref(), Some("\0\0\x04\x04"));
    server.kill();
    assert_eq!(picked(&server), None);
    server.restart();
    assert_eq!(picked(&server).as_deref(), Some("\0\0\x04\x04"));
}
