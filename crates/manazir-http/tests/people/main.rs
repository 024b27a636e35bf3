//! People and their connections through the router, over the truth in memory and a copy that follows it; the tests of
//! the program run the same scenarios over databases. They are named by the weaknesses of the originals that they look for.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

#[path = "../common/mod.rs"]
mod common;

#[macro_use]
mod scenarios;

mod batch;
mod connections;
mod dying;
mod limits;
mod permissions;
mod pictures;
mod profiles;
mod requests;
mod suggestions;
mod teams;
mod world;

macro_rules! over_memory {
    ($($module:ident: $($scenario:ident,)*;)*) => {
        mod over_memory {
            $(mod $module { $(
                #[tokio::test]
                async fn $scenario() {
                    crate::$module::$scenario(crate::world::World::in_memory().await).await;
                }
            )* })*
        }
        mod over_a_copy_of_memory {
            $(mod $module { $(
                #[tokio::test]
                async fn $scenario() {
                    crate::$module::$scenario(crate::world::World::following().await).await;
                }
            )* })*
        }
    };
}

for_each_scenario!(over_memory);
