-- The countries whose page changes when a subdivision of :country loses the
-- name :old and gets :new: its own, and those with a namesake of either.
SELECT :country AS code
UNION
SELECT country FROM subdivision
WHERE name = :old COLLATE NOCASE OR name = :new COLLATE NOCASE;
