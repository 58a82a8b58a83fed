-- The last part of migration 4, after the rows of before were sealed into the
-- new tables.
DROP TABLE clear_bindings;
DROP TABLE clear_restrictions;
