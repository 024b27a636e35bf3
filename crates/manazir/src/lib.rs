//! The main job, from the command line to the report; [`cli`] lists the commands.
//!
//! A library beside the binary, so that its tests and examples call what users run.

pub mod accounts;
pub mod audit;
pub mod cli;
pub mod command;
pub mod config;
pub mod contributors;
pub mod demo;
pub mod engine;
pub mod finding;
pub mod found;
pub mod generate;
pub mod judge;
pub mod keeper;
pub mod live;
pub mod load;
pub mod partition;
pub mod progress;
pub mod projector;
pub mod report;
pub mod rollup;
pub mod server_file;
pub mod service;
pub mod state;
