//! Who works on the same services.

use manazir_people::UserId;
use manazir_people::teams::{SHARED_LOOKED_AT_MAX, SHARED_SHOWN_MAX, TeamError};

use super::failed;
use super::rows::user;
use crate::Truth;
use crate::statement::{Statement, signed};

/// Services that somebody owns alone.
const OWN: &str = "WITH own AS (SELECT service_id FROM service_people WHERE user_id = ";
/// And those of the teams that they are in.
const OF_TEAMS: &str = " UNION SELECT t.service_id FROM team_members m JOIN service_teams t ON t.team_id = m.team_id \
    WHERE m.standing <> 'out' AND m.user_id = ";
/// Whoever owns one of them, or is in a team that does. SQLite takes the tables of a cross join in their order; otherwise
/// it reads all members of all teams.
const WORKS: &str = "), works AS (SELECT p.service_id, p.user_id FROM own CROSS JOIN service_people p \
    WHERE p.service_id = own.service_id \
    UNION SELECT t.service_id, m.user_id FROM own CROSS JOIN service_teams t CROSS JOIN team_members m \
    WHERE t.service_id = own.service_id AND m.team_id = t.team_id AND m.standing <> 'out') \
    SELECT w.user_id, COUNT(*) FROM works w LEFT JOIN team_people s ON s.user_id = w.user_id \
    WHERE COALESCE(s.state, 0) = 0 AND w.user_id <> ";
const TAKES_PART: &str = " AND NOT EXISTS (SELECT 1 FROM team_people a WHERE a.state <> 0 AND a.user_id = ";

pub(super) async fn shared(truth: &Truth, of: UserId) -> Result<Vec<(UserId, u32)>, TeamError> {
    let rows = select(of).fetch::<(i64, i64)>(truth).await.map_err(failed)?;
    rows.into_iter().map(|(one, count)| Ok((user(one)?, u32::try_from(count).unwrap_or(u32::MAX)))).collect()
}

fn select(of: UserId) -> Statement {
    let of = i64::from(of.0);
    Statement::new(OWN)
        .number(of)
        .then(OF_TEAMS)
        .number(of)
        .then(" ORDER BY 1 LIMIT ")
        .number(signed(SHARED_LOOKED_AT_MAX as u64))
        .then(WORKS)
        .number(of)
        .then(TAKES_PART)
        .number(of)
        .then(") GROUP BY w.user_id ORDER BY 2 DESC, 1 LIMIT ")
        .number(signed(SHARED_SHOWN_MAX as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every table is looked into by what is known, and none from its beginning to its end.
    #[tokio::test]
    async fn all_is_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("truth.db").display());
        let plan = select(UserId(1)).plan(&Truth::open(&url).await.unwrap()).await;
        let looks: Vec<&String> = plan.iter().filter(|step| step.starts_with("SCAN")).collect();
        assert!(looks.iter().all(|step| ["SCAN own", "SCAN w"].contains(&step.as_str())), "{plan:#?}");
        assert!(plan.iter().any(|step| step.contains("team_members_user_id")), "{plan:#?}");
        assert!(plan.iter().any(|step| step.contains("service_people_user_id")), "{plan:#?}");
    }
}
