SELECT subdivision.code, subdivision.name, country.name AS country
FROM subdivision JOIN country ON country.code = subdivision.country
WHERE instr(lower(subdivision.name), lower(:text))
ORDER BY subdivision.name, subdivision.code
LIMIT 20;
