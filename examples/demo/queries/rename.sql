UPDATE subdivision SET name = :name WHERE code = :code;
