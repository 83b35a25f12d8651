-- What was known of a source is freed when its table does not fit any more, and the
-- doctor looks at it then.  (It found a condition that was freed.)
SELECT tokenauth_attach('fz.a', prefix => 'fza_', live_when => 'fz.live(id)');
SELECT tokenauth_attach_parent('a', 'fz.org', 'org', live_when => 'active');
SELECT tokenauth_resolve('fza_TokenOfTheFuzzerNo1', NULL::int);
SELECT * FROM tokenauth_doctor();
ALTER TABLE fz.a RENAME token_hash TO digest;
SELECT * FROM tokenauth_doctor();
ALTER TABLE fz.org RENAME active TO live;
SELECT * FROM tokenauth_doctor();
SELECT * FROM tokenauth_stats;
ALTER TABLE fz.a RENAME digest TO token_hash;
SELECT * FROM tokenauth_doctor();
DROP FUNCTION fz.live(int);
SELECT * FROM tokenauth_doctor();
DROP TABLE fz.org;
SELECT * FROM tokenauth_doctor();
SELECT tokenauth_resolve('fza_TokenOfTheFuzzerNo1', NULL::int);
