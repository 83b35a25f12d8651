--
-- Attacks by expressions that write (with a test build).  They cannot, so that much of
-- what these do is refused at once; here it is seen that it would be refused, too.
--
\setenv PGDATABASE :DBNAME
\setenv PGOPTIONS '-c tokenauth.test_fault=expressions_write'
\! psql -X -a -q <"$PG_ABS_SRCDIR/sql/attack_facts.sql" 2>&1
\! psql -X -a -q <"$PG_ABS_SRCDIR/sql/attack_retype.sql" 2>&1
\! psql -X -a -q <"$PG_ABS_SRCDIR/sql/attack_session.sql" 2>&1
\! psql -X -a -q <"$PG_ABS_SRCDIR/sql/attack_owner.sql" 2>&1
\! psql -X -a -q <"$PG_ABS_SRCDIR/sql/attack_alive.sql" 2>&1
