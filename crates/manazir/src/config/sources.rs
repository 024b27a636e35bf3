//! `[sources]`: where events come from beside requests.

use serde::Deserialize;

/// Where events come from beside requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Queues that others publish to.
    pub amqp: Vec<AmqpSource>,
    /// Brokers that sensors publish to.
    pub mqtt: Vec<MqttSource>,
}

/// A queue that others publish to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpSource {
    /// `amqp://…`
    pub address: String,
    /// Its name; it must exist.
    pub queue: String,
    /// Where answers go to messages that name no other place.
    #[serde(default = "reply_to")]
    pub reply_to: String,
}

fn reply_to() -> String {
    "response_cloudtrail_events".to_owned()
}

/// A broker that sensors publish to.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttSource {
    /// `mqtt://…`
    pub address: String,
    /// What is subscribed to; `+` stands for one level, `#` for all that follow.
    pub topics: Vec<String>,
    /// Our name there; by default one that this directory keeps.
    pub client_id: Option<String>,
}

impl std::fmt::Debug for MqttSource {
    /// Without the address, which holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MqttSource").field("topics", &self.topics).finish_non_exhaustive()
    }
}
