# Tables whose digests are HMACs, or slow: bcrypt of cost 10. The application hashes, and
# verifies, each time; tokenauth does so once.
peppers=$SCRATCH/helpers/peppers
as_user sh -c "umask 077; echo 'bench all text:bench pepper' >'$peppers'"
bench_cluster hashes "tokenauth.pepper_file = '$peppers'"
load_database hashes "$(full 100 20)" "$(full 100 20)"
sql <<'END'
CREATE TABLE hmac_token AS
SELECT encode(hmac(token, 'bench pepper', 'sha256'), 'hex') AS token_hash, user_id FROM active;
CREATE TABLE bcrypt_token AS
SELECT left(token, 12) AS found_by, crypt(token, gen_salt('bf', 10)) AS token_hash, user_id FROM active;
ALTER TABLE hmac_token ADD PRIMARY KEY (token_hash);
ALTER TABLE bcrypt_token ADD PRIMARY KEY (found_by);
SELECT tokenauth_attach('hmac_token', stored_as => 'hmac-sha256-hex', mapping => '{"pepper": "bench"}');
SELECT tokenauth_attach('bcrypt_token', token_column => 'found_by', stored_as => 'plaintext', mapping => '{
    "lookup": "left(token, 12)", "verify": "public.crypt(token, token_hash) = token_hash"}');
END
measure "HMAC-SHA-256" --placement=one "no-op" "HMAC: SELECT" "HMAC: tokenauth" "again=HMAC: tokenauth"
measure "bcrypt, cost 10" --placement=one "no-op" "bcrypt: SELECT" "bcrypt: tokenauth" "again=bcrypt: tokenauth"
stop_clusters
