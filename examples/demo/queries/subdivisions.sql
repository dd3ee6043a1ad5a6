-- A country's subdivisions, each below its parent, and in how many other
-- countries one of the same name lies: a scan of the table for every row.
WITH RECURSIVE tree (code, name, type, depth, path) AS (
  SELECT code, name, type, 0, name || char(31) || code
  FROM subdivision
  WHERE country = :country AND parent IS NULL
  UNION ALL
  SELECT child.code, child.name, child.type, depth + 1,
         path || char(30) || child.name || char(31) || child.code
  FROM tree JOIN subdivision AS child ON child.parent = tree.code
)
SELECT code, name, type, depth,
       (SELECT count(DISTINCT other.country)
        FROM subdivision AS other
        WHERE other.name = tree.name COLLATE NOCASE
          AND other.country <> :country) AS namesakes
FROM tree
ORDER BY path;
