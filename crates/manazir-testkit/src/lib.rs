//! What tests share: a short notation for series, real servers, the service as a process and its callers.

pub mod alertmanager;
pub mod arcadedb;
pub mod canaille;
pub mod client;
pub mod events;
pub mod fuzz;
pub mod mariadb;
pub mod mosquitto;
mod notation;
pub mod postgres;
pub mod prometheus;
pub mod rabbitmq;
pub mod redis;
pub mod s3;
mod server;
pub mod service;
pub mod smtp;

pub use notation::series;
