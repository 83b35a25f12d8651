--
-- The release of the library and the version of the SQL belong together.
--
SELECT v.extension = e.extversion AS catalog, v.extension = a.default_version AS newest,
    v.library LIKE v.extension || '.%' AS library
FROM tokenauth_version() v, pg_extension e, pg_available_extensions a
WHERE e.extname = 'tokenauth' AND a.name = 'tokenauth';
