-- Teams and services. Times are microseconds since 1970, UTC; texts as in the findings. People are the numbers of the
-- table of people. A source is one of catalogue, kubernetes, backstage and hand.

INSERT INTO counters (name, value) VALUES
    ('teams', 0),    -- how many there are; whoever makes or deletes one holds this row
    ('services', 0); -- the same

CREATE TABLE teams (
    id                 TEXT PRIMARY KEY,
    slug               TEXT NOT NULL UNIQUE,
    name               TEXT NOT NULL,
    name_source        TEXT NOT NULL,
    description        TEXT NOT NULL,
    description_source TEXT NOT NULL,
    avatar_seed        TEXT NOT NULL,
    source             TEXT NOT NULL,
    created_at         BIGINT NOT NULL,
    changed_at         BIGINT NOT NULL
);

-- How people take part whom a team or service ever named. Whoever puts somebody somewhere holds the row.
CREATE TABLE team_people (
    user_id BIGINT PRIMARY KEY,
    state   BIGINT NOT NULL -- 0 active, 1 deactivated, 2 erased
);

CREATE TABLE team_members (
    team_id  TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id  BIGINT NOT NULL,
    standing TEXT NOT NULL, -- owner, member, or out: no import brings them back
    source   TEXT NOT NULL,
    since    BIGINT NOT NULL,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_members_user_id ON team_members (user_id, team_id);

CREATE TABLE services (
    id                 TEXT PRIMARY KEY,
    name               TEXT NOT NULL,
    namespace          TEXT NOT NULL, -- empty if nobody said so, as is environment
    environment        TEXT NOT NULL,
    description        TEXT NOT NULL,
    description_source TEXT NOT NULL,
    owners_source      TEXT NOT NULL,
    labels             TEXT NOT NULL, -- a JSON object of names with lists of value and source
    avatar_seed        TEXT NOT NULL,
    source             TEXT NOT NULL,
    created_at         BIGINT NOT NULL,
    changed_at         BIGINT NOT NULL,
    UNIQUE (name, namespace, environment)
);

-- Who owns them: teams, and people by themselves.
CREATE TABLE service_teams (
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    team_id    TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    PRIMARY KEY (service_id, team_id)
);
CREATE INDEX service_teams_team_id ON service_teams (team_id, service_id);

CREATE TABLE service_people (
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    user_id    BIGINT NOT NULL,
    PRIMARY KEY (service_id, user_id)
);
CREATE INDEX service_people_user_id ON service_people (user_id, service_id);
