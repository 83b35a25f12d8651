--
-- Code of another role that acts with the rights of a token table's owner, and
-- statements with tokens in the server's log: the doctor finds them.
--
SET client_min_messages = warning;
CREATE ROLE regress_owner;
CREATE ROLE regress_mallory;
CREATE ROLE regress_deputy;
GRANT regress_owner TO regress_deputy;
CREATE SCHEMA app AUTHORIZATION regress_mallory;
GRANT USAGE, CREATE ON SCHEMA app TO regress_owner;
RESET client_min_messages;
SET ROLE regress_mallory;
CREATE FUNCTION app.act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION app.pick() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
CREATE FUNCTION app.fine(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION app."Is live"(bool, text DEFAULT '') RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TYPE app.kind AS ENUM ('api', 'web');
CREATE DOMAIN app.kinds AS app.kind[];
CREATE TYPE app.span AS RANGE (subtype = app.kind);
CREATE TABLE app.org (id int PRIMARY KEY, active bool NOT NULL DEFAULT true);
CREATE TABLE app.tok (id int PRIMARY KEY, user_id int NOT NULL CHECK (app.fine(user_id)), token_hash text UNIQUE NOT NULL,
    org int NOT NULL, made int NOT NULL DEFAULT app.pick(), kind app.kind, kinds app.kinds, spans app.span_multirange[], orgs app.org);
CREATE INDEX picked ON app.tok (app.fine(id));
CREATE TRIGGER "Act" BEFORE UPDATE ON app.tok FOR EACH ROW EXECUTE FUNCTION app.act();
CREATE RULE noted AS ON DELETE TO app.tok DO ALSO SELECT app.pick();
RESET ROLE;
INSERT INTO app.org VALUES (1);
SELECT tokenauth_attach('app.tok', prefix => 'app_');
SELECT tokenauth_attach_parent('tok', 'app.org', 'org', live_when => 'app."Is live"(active)');
\a
SELECT * FROM tokenauth_doctor();

-- The table is somebody else's now; what the former owner put there is not.
ALTER TABLE app.tok OWNER TO regress_owner;
ALTER TABLE app.org OWNER TO regress_owner;
SELECT severity, source, finding, fix FROM tokenauth_doctor() WHERE severity <> 'error';
SELECT tokenauth_detach('tok');
SELECT tokenauth_attach('app.tok', prefix => 'app_');
SELECT tokenauth_attach_parent('tok', 'app.org', 'org', live_when => 'app."Is live"(active)');
SELECT severity, source, finding, fix FROM tokenauth_doctor();
SELECT string_agg(fix, E'\n' ORDER BY fix) AS fixes FROM tokenauth_doctor() \gset
:fixes
SELECT * FROM tokenauth_doctor();
-- of a deputy's, who acts for the owner anyway, nothing is said
ALTER FUNCTION app.act() OWNER TO regress_deputy;
GRANT TRIGGER ON app.tok, app.org TO regress_deputy;
SELECT * FROM tokenauth_doctor();

-- Who may add triggers.
GRANT TRIGGER ON app.tok TO regress_mallory;
GRANT TRIGGER ON app.org TO PUBLIC;
SELECT * FROM tokenauth_doctor();
SELECT string_agg(fix, E'\n' ORDER BY fix) AS fixes FROM tokenauth_doctor() \gset
:fixes
SELECT * FROM tokenauth_doctor();

-- What is logged: the defaults of the other settings show parameters.
SET log_parameter_max_length = -1;
SELECT * FROM tokenauth_doctor();
SET log_min_duration_statement = '1h';
SELECT * FROM tokenauth_doctor();
SET log_min_duration_sample = '2h';
SELECT finding FROM tokenauth_doctor();
SET log_statement_sample_rate = 0;
SELECT finding FROM tokenauth_doctor();
SET log_parameter_max_length = 0;
SELECT * FROM tokenauth_doctor();
RESET log_min_duration_statement;
RESET log_min_duration_sample;
SET log_parameter_max_length = '64B';
SET log_transaction_sample_rate = 0.00001;
SELECT finding FROM tokenauth_doctor();
RESET log_transaction_sample_rate;
SET log_parameter_max_length_on_error = -1;
SELECT * FROM tokenauth_doctor();
RESET log_parameter_max_length_on_error;
RESET log_parameter_max_length;
RESET log_statement_sample_rate;
-- and plans have them as constants
SET debug_print_plan = on;
LOAD 'auto_explain';
SET auto_explain.log_min_duration = '1h';
SELECT * FROM tokenauth_doctor();
RESET debug_print_plan;
RESET auto_explain.log_min_duration;
SELECT tokenauth_ready();
\a

SELECT tokenauth_detach('tok');
SET client_min_messages = warning;
DROP OWNED BY regress_mallory, regress_owner, regress_deputy CASCADE;
DROP ROLE regress_mallory, regress_owner, regress_deputy;
