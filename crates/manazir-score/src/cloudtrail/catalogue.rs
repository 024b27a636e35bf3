//! Calls of AWS that a background is made of.

use std::sync::LazyLock;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Call {
    /// The service as the catalogue groups it; [`Call::service`] is what AWS calls it.
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    pub(super) writes: bool,
    /// The parameter that names what is touched; empty if there is none.
    pub(super) key: &'static str,
}

impl Call {
    /// Groups that are parts of a service are split off for the roles that use one and not the other.
    pub(super) fn service(&self) -> &'static str {
        match self.group {
            "iamrole" | "iamuser" => "iam",
            "ec2net" | "snapshots" => "ec2",
            group => group,
        }
    }

    /// Services that answer from one region for all.
    pub(super) fn is_global(&self) -> bool {
        is_global(self.service())
    }
}

/// True for a service whose records all carry one region.
pub(super) fn is_global(service: &str) -> bool {
    matches!(
        service,
        "iam" | "organizations" | "route53" | "signin" | "support" | "ce" | "health" | "account"
    )
}

static CALLS: LazyLock<Vec<Call>> = LazyLock::new(|| {
    include_str!("catalogue.txt").lines().filter(|line| !line.starts_with('#')).flat_map(calls_of).collect()
});

fn calls_of(line: &'static str) -> impl Iterator<Item = Call> {
    let mut words = line.split_whitespace();
    let (group, access, key) = (words.next(), words.next(), words.next());
    words.map(move |name| Call {
        group: group.unwrap_or_default(),
        name,
        writes: access == Some("W"),
        key: key.filter(|&key| key != "-").unwrap_or_default(),
    })
}

/// All calls, in the order of the catalogue: by service, the most used first.
pub(super) fn calls() -> &'static [Call] {
    &CALLS
}

/// A call by service and name.
pub(super) fn call(group: &str, name: &str) -> Option<Call> {
    calls().iter().find(|call| call.group == group && call.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_read() {
        assert!(calls().len() > 400, "{}", calls().len());
        let create = call("iamuser", "CreateUser").unwrap();
        assert_eq!((create.service(), create.writes, create.key), ("iam", true, "userName"));
        assert!(create.is_global());
        assert!(calls().iter().all(|call| call.name.starts_with(|first: char| first.is_ascii_uppercase())));
    }
}
