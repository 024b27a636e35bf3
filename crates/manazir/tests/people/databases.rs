//! The scenarios over a file, a real PostgreSQL, and a copy in memory that follows it.

use std::sync::Arc;

use manazir_people::Following;
use manazir_sql::{SqlPeople, Truth};
use manazir_testkit::postgres::Postgres;

use crate::world::World;

pub(crate) async fn over_a_file(folder: &tempfile::TempDir) -> World {
    let address = format!("sqlite://{}", folder.path().join("truth.db").display());
    over(Truth::open(&address).await.unwrap()).await
}

pub(crate) async fn over_a_server(server: &Postgres) -> World {
    over(Truth::open(&server.database()).await.unwrap()).await
}

pub(crate) async fn over_a_copy_of(server: &Postgres) -> World {
    let truth = Truth::open(&server.database()).await.unwrap();
    let people = Following::load(SqlPeople::new(truth.clone())).await.unwrap();
    World::over(Arc::new(people), Arc::new(truth)).await
}

async fn over(truth: Truth) -> World {
    World::over(Arc::new(SqlPeople::new(truth.clone())), Arc::new(truth)).await
}

macro_rules! over_databases {
    ($($module:ident: $($scenario:ident,)*;)*) => {
        mod over_a_file {
            $(mod $module { $(
                #[tokio::test]
                async fn $scenario() {
                    let folder = tempfile::tempdir().unwrap();
                    crate::$module::$scenario(crate::databases::over_a_file(&folder).await).await;
                }
            )* })*
        }

        /// One server for all: to start one takes longer than the scenarios.
        #[tokio::test]
        async fn all_scenarios_over_a_server_needs_postgres() {
            let server = Postgres::start();
            $($(crate::$module::$scenario(over_a_server(&server).await).await;)*)*
        }

        #[tokio::test]
        async fn all_scenarios_over_a_copy_of_a_server_needs_postgres() {
            let server = Postgres::start();
            $($(crate::$module::$scenario(over_a_copy_of(&server).await).await;)*)*
        }
    };
}

for_each_scenario!(over_databases);
