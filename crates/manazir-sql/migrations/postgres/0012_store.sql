-- The name of this database, which no other has: places of events, as exports remember them, mean nothing elsewhere.

CREATE TABLE store (name TEXT NOT NULL);
INSERT INTO store (name) VALUES (gen_random_uuid()::TEXT);
