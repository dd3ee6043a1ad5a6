SELECT code, name, official_name, flag FROM country WHERE code = :country;
