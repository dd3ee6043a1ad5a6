SELECT code, country, name FROM subdivision WHERE code = :code;
