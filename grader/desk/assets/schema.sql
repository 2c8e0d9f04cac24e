-- The gradebook. Rows are added and never changed: what was known when stays known.

CREATE TABLE import (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    by TEXT NOT NULL,
    folder TEXT NOT NULL,
    course TEXT NOT NULL, -- SHA-256 of the course
    terms TEXT NOT NULL   -- conditions of grading, as JSON
) STRICT;

-- What was handed in at a time. `time` is empty where it is not known; `sources` is the SHA-256 of the files, empty where
-- they were refused.
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    submission TEXT NOT NULL,
    time TEXT NOT NULL,
    sources TEXT NOT NULL,
    refused TEXT,
    import INTEGER NOT NULL REFERENCES import,
    UNIQUE (submission, time, sources)
) STRICT;

-- The people that an attempt counts for.
CREATE TABLE member (
    attempt INTEGER NOT NULL REFERENCES attempt,
    student TEXT NOT NULL,
    import INTEGER NOT NULL REFERENCES import,
    PRIMARY KEY (attempt, student)
) STRICT, WITHOUT ROWID;

-- The tests of an exercise, as JSON: pairs of kind and name. `digest` is the SHA-256 of it.
CREATE TABLE suite (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    tests TEXT NOT NULL
) STRICT;

-- What came out, once for all attempts of which the same came out. `digest` is the SHA-256 of the suite's digest, the detail
-- and the messages, a line each.
CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    exercise TEXT NOT NULL,
    outcome TEXT NOT NULL,
    points REAL NOT NULL,
    max_points REAL NOT NULL,
    suite INTEGER NOT NULL REFERENCES suite
) STRICT;

-- The rest of it, as JSON. It is read for single results, so it lies in a table of its own.
CREATE TABLE detail (
    content INTEGER PRIMARY KEY REFERENCES content,
    detail TEXT NOT NULL,  -- points by kind, and a sign for each test
    messages TEXT NOT NULL
) STRICT;

-- The result of an exercise of an attempt. A regrade adds one.
CREATE TABLE result (
    id INTEGER PRIMARY KEY,
    attempt INTEGER NOT NULL REFERENCES attempt,
    content INTEGER NOT NULL REFERENCES content,
    course TEXT NOT NULL,
    seed TEXT NOT NULL,    -- SHA-256 of the class's seed
    train TEXT NOT NULL,
    sources TEXT NOT NULL, -- SHA-256 of the exercise's files
    import INTEGER NOT NULL REFERENCES import,
    UNIQUE (attempt, content, course, seed, train)
) STRICT;

CREATE TABLE decision (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    by TEXT NOT NULL,
    student TEXT NOT NULL,
    exercise TEXT,         -- all where it is NULL
    action TEXT NOT NULL,  -- as JSON
    made_on REAL,          -- points before the penalty, when it was made
    reason TEXT NOT NULL
) STRICT;
