=pod

=head1 NAME

Traffic - sessions that judge and change tokens while something else is done

=head1 SYNOPSIS

  set_up_traffic($node);
  with_traffic($node, 'a new column', sub { $node->safe_psql(...) });

=head1 DESCRIPTION

Needs the standard table of TokenAuth::set_up(), with 30 tokens or more, of which 21 to 30
are revoked.  Two sessions ask for these; a third issues tokens, asks, revokes them, and
asks again, each in transactions of its own.  They use tokenauth's functions alone, so the
table may be changed under them.  One wrong answer, or an error, and the test fails.

=cut

package Traffic;

use strict;
use warnings;

use Exporter 'import';
use Test::More;
use TokenAuth;

our @EXPORT = qw(go_on set_up_traffic with_traffic);

sub set_up_traffic
{
	my ($node) = @_;

	$node->safe_psql('postgres', q(
		CREATE TABLE stop (now bool);
		CREATE TABLE wrong (what text);
		CREATE SEQUENCE asked;
		CREATE FUNCTION token(n int) RETURNS text LANGUAGE sql IMMUTABLE
			RETURN 'mul_' || lpad(to_hex(n), 40, '0');
		CREATE FUNCTION must_be(token text, expected text) RETURNS void LANGUAGE plpgsql AS $$
		DECLARE
			found record := tokenauth_identify(token);
		BEGIN
			IF found.status IS DISTINCT FROM expected OR (found.user_id IS NULL) = (expected = 'valid') THEN
				INSERT INTO wrong VALUES (format('%s: %s, not %s', token, found, expected));
			END IF;
			PERFORM nextval('asked');
		END $$;
		CREATE PROCEDURE ask() LANGUAGE plpgsql AS $$
		BEGIN
			WHILE NOT EXISTS (SELECT FROM stop) LOOP
				PERFORM must_be(token(n), CASE WHEN n > 20 THEN 'revoked' ELSE 'valid' END)
				FROM generate_series(1, 30) n;
				COMMIT;
			END LOOP;
		END $$;
		CREATE PROCEDURE change() LANGUAGE plpgsql AS $$
		DECLARE
			token text;
		BEGIN
			WHILE NOT EXISTS (SELECT FROM stop) LOOP
				token := i.token FROM tokenauth_issue(gen_random_uuid()::text, 'personal_access_token') i;
				COMMIT;
				PERFORM must_be(token, 'valid');
				COMMIT;
				IF tokenauth_revoke(token) IS NOT TRUE THEN
					INSERT INTO wrong VALUES (token || ' could not be revoked');
				END IF;
				COMMIT;
				PERFORM must_be(token, 'revoked');
				COMMIT;
			END LOOP;
		END $$;
	));
	return;
}

# Until so many more questions have been answered.
sub go_on
{
	my ($node) = @_;
	my $goal = 300 + $node->safe_psql('postgres', 'SELECT last_value FROM asked');

	$node->poll_query_until('postgres', "SELECT last_value > $goal FROM asked")
	  or die 'no traffic';
	return;
}

sub with_traffic
{
	my ($node, $name, $do) = @_;
	my @clients = map { session($node) } 1 .. 3;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$clients[$_]->query_until(qr/begun/,
		"\\echo begun\nCALL " . ($_ == 0 ? 'change' : 'ask') . "();\n\\echo ended\n")
	  foreach (0 .. $#clients);
	go_on($node);
	$do->();
	go_on($node);
	$node->safe_psql('postgres', 'INSERT INTO stop VALUES (true)');
	foreach my $client (@clients)
	{
		$client->query('SELECT 1');
		is($client->{stderr}, '', "$name: no error");
		$client->quit;
	}
	is($node->safe_psql('postgres', 'TRUNCATE stop; SELECT * FROM wrong LIMIT 5'),
		'', "$name: all answers are right");
	return;
}

1;
