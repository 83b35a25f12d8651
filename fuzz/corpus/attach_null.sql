-- Crashed: no token column was given, and a column with a conventional name was there.
CREATE TABLE fz.nulls (id int PRIMARY KEY, token_hash text UNIQUE, user_id int);
SELECT tokenauth_attach('fz.nulls', token_column => NULL);
