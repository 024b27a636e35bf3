//! What batches are measured against: one message, one look-up, one insert, one commit and one reply for each event,
//! as a service does that knows no batches. On the same brokers with the same durability, in Rust, without detection,
//! without HTTP, and with a good design otherwise: several workers, many callers at a time, a connection for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use manazir_testkit::events;
use manazir_testkit::postgres::Postgres;
use manazir_testkit::rabbitmq::Rabbit;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::Options;
use crate::table::Table;

const QUEUE: &str = "one_by_one";

/// As many as the compose file of such a service starts.
const WORKERS: usize = 3;

/// Callers that wait for their reply, each before it sends the next event.
const CALLERS: u64 = 64;

const TABLE: &str =
    "CREATE TABLE judged (id TEXT PRIMARY KEY, body BYTEA NOT NULL, score DOUBLE PRECISION NOT NULL)";
const LOOK_UP: &str = "SELECT score FROM judged WHERE id = $1";
const INSERT: &str = "INSERT INTO judged (id, body, score) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

pub(crate) fn run(options: &Options, table: &mut Table) {
    let (rabbit, postgres) = (Rabbit::start(), Postgres::start_with(&["shared_buffers=128MB"]));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (seconds, bytes) = runtime.block_on(measure(&rabbit.url(), &postgres.url(), options.one_by_one));
    let events = options.one_by_one;
    let with = format!(
        "RabbitMQ and PostgreSQL; {events} plain events, {} bytes each, {WORKERS} workers, {CALLERS} callers",
        bytes / events
    );
    let per_second = events as f64 / seconds;
    table.row("one message, look-up, insert, commit, reply", with, format!("**{per_second:.0} judged/s**"));
}

/// Seconds, and bytes sent.
async fn measure(broker: &str, database: &str, events: u64) -> (f64, u64) {
    let mut preparing = PgConnection::connect(database).await.unwrap();
    sqlx::raw_sql(TABLE).execute(&mut preparing).await.unwrap();
    let connection = Arc::new(Connection::connect(broker, ConnectionProperties::default()).await.unwrap());
    let channel = connection.create_channel().await.unwrap();
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), durable, FieldTable::default()).await.unwrap();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let database = PgConnection::connect(database).await.unwrap();
        workers.spawn(work(connection.create_channel().await.unwrap(), database));
    }
    let (next, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let channel = connection.create_channel().await.unwrap();
        callers.spawn(call(channel, Arc::clone(&next), Arc::clone(&bytes), events));
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    (began.elapsed().as_secs_f64(), bytes.load(Ordering::Relaxed))
}

/// Sends events, each when the reply to the one before has come.
async fn call(channel: Channel, next: Arc<AtomicU64>, bytes: Arc<AtomicU64>, events: u64) {
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let inbox = channel.queue_declare("".into(), own, FieldTable::default()).await.unwrap();
    let unacknowledged = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let mut replies = channel
        .basic_consume(inbox.name().clone(), "".into(), unacknowledged, FieldTable::default())
        .await
        .unwrap();
    let properties = BasicProperties::default().with_delivery_mode(2).with_reply_to(inbox.name().clone());
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= events {
            return;
        }
        let mut body = Vec::new();
        events::write(number, &mut body);
        bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        let properties = properties.clone().with_correlation_id(events::id(number).into());
        let sent = channel
            .basic_publish("".into(), QUEUE.into(), BasicPublishOptions::default(), &body, properties)
            .await
            .unwrap();
        sent.await.unwrap();
        replies.next().await.unwrap().unwrap();
    }
}

async fn work(channel: Channel, mut database: PgConnection) {
    channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    let mut deliveries = channel
        .basic_consume(QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
        .unwrap();
    while let Some(Ok(delivery)) = deliveries.next().await {
        let id = delivery.properties.correlation_id().clone().unwrap();
        let mut transaction = database.begin().await.unwrap();
        let known: Option<(f64,)> =
            sqlx::query_as(LOOK_UP).bind(id.as_str()).fetch_optional(&mut *transaction).await.unwrap();
        if known.is_none() {
            sqlx::query(INSERT)
                .bind(id.as_str())
                .bind(&delivery.data)
                .bind(1.0)
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        let inbox = delivery.properties.reply_to().clone().unwrap();
        let properties = BasicProperties::default().with_correlation_id(id);
        let reply =
            channel.basic_publish("".into(), inbox, BasicPublishOptions::default(), b"204", properties);
        reply.await.unwrap();
        channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await.unwrap();
    }
}
