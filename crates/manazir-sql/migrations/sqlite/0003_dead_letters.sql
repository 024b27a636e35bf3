-- A letter that is delivered once more is found, and the oldest are, when there are too many.
CREATE INDEX dead_letters_id ON dead_letters (id);
CREATE INDEX dead_letters_bytes_before ON dead_letters (bytes_before);
