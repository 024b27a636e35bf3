//! The rollup that a command is about, and where it is kept.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use manazir_rollup::{Destination, History, Plan, Shape};

use crate::cli::rollup::RollupPlace;
use crate::rollup::destinations::Target;
use crate::rollup::specification::Specification;

/// An open one.
pub(super) struct Place {
    pub(super) specification: Specification,
    pub(super) target: Target,
    pub(super) shape: Shape,
    pub(super) destination: Box<dyn Destination>,
}

impl Place {
    /// Opens what is there; refuses to make a file that nobody has counted into.
    pub(super) async fn open(args: &RollupPlace) -> Result<Self> {
        let specification = Specification::read(&args.spec, args.references.as_deref())?;
        let target = Target::new(&specification, args.to.as_deref(), &args.data)?;
        if let Some(file) = target.missing_file() {
            bail!(
                "nothing was counted into {}: `manazir rollup run` with the same --spec, --references and --data does",
                file.display()
            );
        }
        Self::new(specification, target).await
    }

    pub(super) async fn new(specification: Specification, target: Target) -> Result<Self> {
        let shape = specification.compiled.shape(&target.name);
        let destination = target.open(&shape).await?;
        // What an earlier version did not make is made, and nothing that is there changes.
        destination.prepare(&[]).await.context("look at the tables")?;
        Ok(Self { specification, target, shape, destination })
    }

    /// Its history, or a sentence that says why there is none.
    pub(super) fn history(&self) -> Result<&dyn History> {
        self.destination.history().with_context(|| {
            let name = &self.target.name;
            format!("`{name}` keeps no history: SQLite and PostgreSQL do; name one of those with --to")
        })
    }

    pub(super) fn plan(&self) -> Result<Plan> {
        self.specification.plan()
    }

    pub(super) fn compiled(&self) -> &Arc<manazir_rollup::Compiled> {
        &self.specification.compiled
    }
}
