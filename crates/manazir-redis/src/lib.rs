//! Redis as a destination of continuous aggregates, and as a cache of answers ([`RedisCache`]); version 7 or later, one server with or without replicas, no cluster.
//!
//! With the shape's words in braces:
//!
//! | key | kind | what |
//! |---|---|---|
//! | `{table}` | hash | `{key}_{category}` → sum of the category's amounts, a whole number; as older readers know it |
//! | `{totals.table}` | hash | `{key}_{count}` and `{key}_{sum}`, whole numbers, and `{key}_{mean}`: six digits behind the point, half away from zero; absent where the count is 0; `{key}_{more}`, a whole number, the smallest or the largest amount |
//! | `{table}:{label}` | hash | key → what people call it |
//! | `manazir:rollup:{name}:keys` | sorted set | the keys that have a row, all with the score 0: the fields are never taken apart |
//! | `manazir:rollup:{name}:seen:{block}:{source}` | string | eight bytes for each of 1,024 positions: the content that was counted there, or 0 |
//! | `manazir:rollup:{name}:more:{block}:{source}` | set | other contents that were counted there: position in the block (two bytes), content |
//! | `manazir:rollup:{name}:blocks` | sorted set | `{block}:{source}` of each block in which something was counted; the score is the number of the change that last did |
//! | `manazir:rollup:{name}:changes` | string | how many changes there were: runs of a script that counted something, or that let other totals take the place of these |
//! | `manazir:rollup:{name}:try` | for a moment | whether we may do what counting does |
//!
//! Numbers are little-endian. A script counts a chunk of findings and remembers them in one step. What was acknowledged
//! outlives the server if that writes each change to its disk before it answers (`appendonly yes`, `appendfsync
//! always`); where it does not, a warning says so.

mod address;
mod adopt;
mod cache;
mod count;
mod destination;
mod layout;
mod link;
mod server;

use std::fmt;

use manazir_rollup::{Error, Shape};
use redis::Script;

pub use crate::address::NoAddress;
pub use crate::cache::RedisCache;
use crate::layout::Layout;
use crate::link::Link;

/// The totals of one rollup in a Redis.
pub struct Redis {
    link: Link,
    layout: Layout,
    counting: Script,
    reading: Script,
}

impl Redis {
    /// Connects to `redis://user:password@host:6379/0`, and looks whether counting will be possible.
    pub async fn open(url: &str, shape: Shape) -> Result<Self, Error> {
        let link = Link::new(address::client(url)?);
        let layout = Layout::new(shape).map_err(|why| link.refused(why))?;
        server::may_count(&link, &layout).await?;
        server::warn_of_losses(&link).await?;
        let counting = Script::new(include_str!("scripts/count.lua"));
        let reading = Script::new(include_str!("scripts/totals.lua"));
        Ok(Self { link, layout, counting, reading })
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.link.name(), self.layout.shape.name)
    }
}
