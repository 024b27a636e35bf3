//! What tests share: a short notation for series, and real servers.

pub mod alertmanager;
pub mod mosquitto;
mod notation;
pub mod postgres;
pub mod prometheus;
pub mod rabbitmq;
mod server;

pub use notation::series;
