//! Roles: what people may do, as scopes of the table of routes and as deeds that no scope stands for.

use std::fmt;
use std::str::FromStr;

use crate::Scope;

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks on.
    Viewer,
    /// Takes part; what everybody is who registers.
    Member,
    /// Runs the place.
    Admin,
}

/// What a person may do to accounts. A deed on oneself needs no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// Invite somebody.
    Invite,
    /// Give an account another role.
    GiveRole,
    /// Ban an account, let it in again, end sessions of others.
    Ban,
    /// Make a link with which somebody sets a new password.
    HandOverReset,
    /// Read the audit log.
    ReadAudit,
    /// Let a new key sign, or distrust one.
    RotateKeys,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Member, Self::Admin];

    /// Its word on the wire and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// The scopes of whoever signs in with it. Events come in by API tokens: no person needs to send them.
    pub fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Viewer => &[Scope::Read],
            Self::Member => &[Scope::Read, Scope::Respond],
            Self::Admin => &[Scope::Admin],
        }
    }

    /// True if one of its scopes does what needs `needed`.
    pub fn covers(self, needed: Scope) -> bool {
        self.scopes().iter().any(|scope| scope.covers(needed))
    }

    /// True if it may do a deed to others. What is not said here is denied.
    pub fn may(self, deed: Deed) -> bool {
        match deed {
            Deed::Invite
            | Deed::GiveRole
            | Deed::Ban
            | Deed::HandOverReset
            | Deed::ReadAudit
            | Deed::RotateKeys => self == Self::Admin,
        }
    }
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Invite, Self::GiveRole, Self::Ban, Self::HandOverReset, Self::ReadAudit, Self::RotateKeys];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|role| role.word() == word);
        known.ok_or_else(|| format!("`{word}` is no role; there are viewer, member and admin"))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// Role × scope and deed: a changed permission is a changed line.
    #[test]
    fn who_may_do_what() {
        let table: String = Role::ALL
            .into_iter()
            .map(|role| {
                let scopes =
                    Scope::ALL.into_iter().filter(|scope| role.covers(*scope)).map(|scope| scope.to_string());
                let deeds =
                    Deed::ALL.into_iter().filter(|deed| role.may(*deed)).map(|deed| format!("{deed:?}"));
                format!("{role}: {}\n", scopes.chain(deeds).collect::<Vec<_>>().join(" "))
            })
            .collect();
        expect![[r#"
            viewer: read
            member: read respond
            admin: ingest read respond people admin Invite GiveRole Ban HandOverReset ReadAudit RotateKeys
        "#]]
        .assert_eq(&table);
        assert!(Role::ALL.into_iter().all(|role| role.word().parse() == Ok(role)));
        assert!("root".parse::<Role>().is_err());
    }
}
