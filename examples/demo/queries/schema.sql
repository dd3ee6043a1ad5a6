-- The two ISO tables. As in many a real schema, only the primary keys are indexed.
CREATE TABLE country (
  code TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  official_name TEXT,
  flag TEXT NOT NULL
);

CREATE TABLE subdivision (
  code TEXT PRIMARY KEY,
  country TEXT NOT NULL REFERENCES country,
  parent TEXT REFERENCES subdivision,
  type TEXT NOT NULL,
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200)
);
