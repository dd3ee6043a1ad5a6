-- The countries by how finely they are divided, with their commonest type of
-- subdivision and the names that they share with others.
WITH RECURSIVE tree (code, country, level) AS (
  SELECT code, country, 1 FROM subdivision WHERE parent IS NULL
  UNION ALL
  SELECT child.code, child.country, level + 1
  FROM tree JOIN subdivision AS child ON child.parent = tree.code
),
shared (name) AS (
  SELECT lower(name) FROM subdivision
  GROUP BY lower(name)
  HAVING count(DISTINCT country) > 1
)
SELECT rank() OVER (ORDER BY count(*) DESC) AS place,
       country.code, country.flag, country.name,
       count(*) AS subdivisions,
       max(level) AS levels,
       printf('%.2f', 100.0 * count(*) / sum(count(*)) OVER ()) AS percent,
       (SELECT type FROM subdivision
        WHERE country = country.code
        GROUP BY type ORDER BY count(*) DESC, type LIMIT 1) AS commonest,
       (SELECT count(*) FROM subdivision
        WHERE country = country.code AND lower(name) IN shared) AS shared_names
FROM tree JOIN country ON country.code = tree.country
GROUP BY country.code
ORDER BY place, country.code
LIMIT 40;
