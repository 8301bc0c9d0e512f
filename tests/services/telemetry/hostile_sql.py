"""Statements that try what a lake query must not do, each with the status that it must end with. Written by hand."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hostile:
    """`words` stand in the answer; {file} in `sql` is a Parquet file of the lake, {folder} its folder."""

    name: str
    sql: str
    status: int
    words: str = ""


FILES = (
    Hostile("a file of the machine as text", "SELECT * FROM read_text('/etc/passwd')", 400, "read_text"),
    Hostile("a file as bytes", "SELECT * FROM read_blob('/etc/passwd')", 400, "read_blob"),
    Hostile("a file as CSV", "SELECT * FROM read_csv('/etc/passwd')", 400, "read_csv"),
    Hostile("a file as CSV, guessed", "SELECT * FROM read_csv_auto('/etc/passwd')", 400, "read_csv_auto"),
    Hostile("a file as JSON", "SELECT * FROM read_json('/etc/passwd')", 400, "read_json"),
    Hostile("a file as objects", "SELECT * FROM read_ndjson_objects('/etc/passwd')", 400, "read_ndjson_objects"),
    Hostile("a file of the lake itself", "SELECT * FROM read_parquet('{file}')", 400, "read_parquet"),
    Hostile("the same by its other name", "SELECT * FROM parquet_scan('{file}')", 400, "parquet_scan"),
    Hostile("what stands at the end of a file", "SELECT * FROM parquet_metadata('{file}')", 400, "parquet_metadata"),
    Hostile("a database of DuckDB", "SELECT * FROM read_duckdb('{folder}/x.db')", 400, "read_duckdb"),
    Hostile("names of files", "SELECT * FROM glob('/etc/*')", 400, "glob"),
    Hostile("what a CSV is like", "SELECT * FROM sniff_csv('/etc/passwd')", 400, "sniff_csv"),
    Hostile("a file in the place of a table", "SELECT * FROM '/etc/passwd'", 400, "no table"),
    Hostile("a file of the lake in the place of a table", "SELECT * FROM '{file}'", 400, "no table"),
    Hostile("the same in double quotes", 'SELECT * FROM "{file}"', 400, "no table"),
    Hostile("a file over the network", "SELECT * FROM 'https://example.com/x.parquet'", 400, "no table"),
    Hostile("a bucket", "FROM read_parquet('s3://fleetlake/silver/*.parquet')", 400, "read_parquet"),
    Hostile("a file in a subquery", "SELECT (SELECT content FROM read_text('/etc/passwd'))", 400, "read_text"),
    Hostile("a file in WITH", "WITH a AS (FROM read_text('/etc/passwd')) FROM a", 400, "read_text"),
    Hostile("a file in a join", "FROM silver.boiler JOIN read_text('/etc/passwd') ON true", 400, "read_text"),
    Hostile("a file in a lateral join", "FROM silver.boiler b, LATERAL (FROM read_text(b.mode))", 400, "read_text"),
    Hostile("a file where a limit is", "FROM silver.boiler LIMIT (SELECT count(*) FROM read_text('/etc/passwd'))", 400, "read_text"),
    Hostile("a file in a condition", "SELECT 1 WHERE EXISTS (FROM read_text('/etc/passwd'))", 400, "read_text"),
    Hostile("a file in VALUES", "VALUES ((SELECT content FROM read_text('/etc/passwd')))", 400, "read_text"),
    Hostile("a file in an order", "SELECT 1 ORDER BY (SELECT count(*) FROM read_text('/etc/passwd'))", 400, "read_text"),
    Hostile("a file in a window", "SELECT sum(1) OVER (ORDER BY (SELECT count(*) FROM glob('/*')))", 400, "glob"),
    Hostile("a file in a lambda", "SELECT list_transform([1], lambda x: (SELECT count(*) FROM glob('/*')))", 400, "glob"),
    Hostile("a reader under a schema's name", "SELECT * FROM main.read_text('/etc/passwd')", 400, "read_text"),
    Hostile("a reader under a catalog's name", "SELECT * FROM system.main.read_text('/etc/passwd')", 400, "read_text"),
    Hostile("a reader with a capital", "SELECT * FROM Read_Text('/etc/passwd')", 400, "read_text"),
    Hostile("a reader in double quotes", "SELECT * FROM \"read_text\"('/etc/passwd')", 400, "read_text"),
    Hostile("a reader behind a comment", "SELECT * FROM /* silver.boiler */ read_text/**/('/etc/passwd')", 400, "read_text"),
)
CHANGES = (
    Hostile("a copy to a file", "COPY (SELECT 1) TO '{folder}/out.csv'", 400, "COPY"),
    Hostile("a copy from a file", "COPY silver.boiler FROM '/etc/passwd'", 400, "COPY"),
    Hostile("an export", "EXPORT DATABASE '{folder}/out'", 400, "only SELECT"),
    Hostile("an import", "IMPORT DATABASE '{folder}/out'", 400, "only SELECT"),
    Hostile("another database", "ATTACH '{folder}/x.db' AS x", 400, "ATTACH"),
    Hostile("a database that is there", "USE memory", 400, "only SELECT"),
    Hostile("an extension", "INSTALL httpfs", 400, "only SELECT"),
    Hostile("an extension loaded", "LOAD httpfs", 400, "only SELECT"),
    Hostile("a setting", "SET memory_limit = '100GB'", 400, "SET"),
    Hostile("a setting taken back", "RESET memory_limit", 400, "only SELECT"),
    Hostile("a pragma", "PRAGMA database_list", 400, "only SELECT"),
    Hostile("a pragma that is called", "CALL pragma_version()", 400, "only SELECT"),
    Hostile("a macro", "CREATE MACRO f() AS TABLE FROM read_text('/etc/passwd')", 400, "CREATE"),
    Hostile("a secret", "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')", 400, "only SELECT"),
    Hostile("a table", "CREATE TABLE t AS SELECT 1", 400, "CREATE"),
    Hostile("a view", "CREATE VIEW v AS SELECT 1", 400, "CREATE"),
    Hostile("a deletion", "DELETE FROM silver.boiler", 400, "DELETE"),
    Hostile("a deletion inside of WITH", "WITH d AS (DELETE FROM silver.boiler RETURNING *) FROM d", 400, "delete"),
    Hostile(
        "an insertion inside of WITH", "WITH d AS (INSERT INTO silver.boiler SELECT * FROM silver.boiler RETURNING *) FROM d", 400, "insert"
    ),
    Hostile("an update", "UPDATE silver.boiler SET water = 1", 400, "UPDATE"),
    Hostile("a table dropped", "DROP TABLE silver.boiler", 400, "DROP"),
    Hostile("a table altered", "ALTER TABLE silver.boiler ADD COLUMN x INT", 400, "ALTER"),
    Hostile("a transaction", "BEGIN", 400, "TRANSACTION"),
    Hostile("a prepared statement", "PREPARE p AS SELECT 1", 400, "PREPARE"),
    Hostile("a prepared statement run", "EXECUTE p", 400, "EXECUTE"),
    Hostile("a checkpoint", "CHECKPOINT", 400, "only SELECT"),
    Hostile("vacuum", "VACUUM", 400, "VACUUM"),
    Hostile("two statements", "SELECT 1; SELECT 2", 400, "2 statements"),
    Hostile("a second one that changes", "SELECT 1; DROP TABLE silver.boiler", 400, "2 statements"),
    Hostile("none", " -- nothing", 400, "no statement"),
    Hostile("a plan, which tells of files", "EXPLAIN SELECT * FROM silver.boiler", 400, "EXPLAIN"),
    Hostile("a plan that runs", "EXPLAIN ANALYZE SELECT * FROM silver.boiler", 400, "EXPLAIN"),
    Hostile("a pivot, which is several statements", "PIVOT silver.boiler ON mode USING count(*)", 400, "answered"),
)
CATALOGS = (
    Hostile("tables", "SHOW TABLES", 400, "show"),
    Hostile("databases", "SHOW DATABASES", 400, "answered"),
    Hostile("a description", "DESCRIBE silver.boiler", 400, "show"),
    Hostile("a summary", "SUMMARIZE silver.boiler", 400, "show"),
    Hostile("settings", "SELECT * FROM duckdb_settings()", 400, "duckdb_settings"),
    Hostile("secrets", "SELECT * FROM duckdb_secrets()", 400, "duckdb_secrets"),
    Hostile("a view of the catalog", "SELECT * FROM duckdb_tables", 400, "no table"),
    Hostile("the standard's catalog", "SELECT * FROM information_schema.tables", 400, "no table"),
    Hostile("PostgreSQL's catalog", "SELECT * FROM pg_catalog.pg_class", 400, "no table"),
    Hostile("SQLite's catalog", "SELECT * FROM sqlite_master", 400, "no table"),
    Hostile(
        "a catalog's view before a WITH of its name", "WITH a AS (FROM sqlite_master), sqlite_master AS (SELECT 1) FROM a", 400, "no table"
    ),
    Hostile(
        "a WITH of another part",
        "SELECT (WITH sqlite_master AS (SELECT 1) SELECT 1), (SELECT count(*) FROM sqlite_master)",
        400,
        "no table",
    ),
    Hostile("a setting by a function", "SELECT current_setting('memory_limit')", 400, "current_setting"),
    Hostile("a variable of the environment", "SELECT getenv('HOME')", 400, "getenv"),
    Hostile("a variable", "SELECT getvariable('x')", 400, "getvariable"),
    Hostile("statistics, which know foreign rows", "SELECT stats(water) FROM silver.boiler", 400, "stats"),
    Hostile("SQL from a text", "FROM query('SELECT 1')", 400, "query"),
    Hostile("a table from a text", "FROM query_table('silver.boiler')", 400, "query_table"),
    Hostile("a serialized statement", "FROM json_execute_serialized_sql('{{}}')", 400, "json_execute_serialized_sql"),
    Hostile("a pointer as a table", "FROM arrow_scan(1, 2, 3)", 400, "arrow_scan"),
    Hostile("an object of Python by its address", "FROM python_arrow_scan(1, 2, 3)", 400, "python_arrow_scan"),
    Hostile("a variable of Python's", "SELECT * FROM statement", 400, "no table"),
    Hostile("a log", "SELECT write_log('x')", 400, "write_log"),
    Hostile("a pause", "SELECT sleep_ms(100000)", 400, "sleep_ms"),
    Hostile("the state of an aggregate", "SELECT sum(1) EXPORT_STATE", 400, "sum"),
    Hostile("bytes as the state of an aggregate", "SELECT finalize('x'::BLOB)", 400, "finalize"),
    Hostile("a table at another version", "SELECT * FROM silver.boiler AT (VERSION => 1)", 400, "AT"),
    Hostile("a table under a catalog's name", "SELECT * FROM memory.silver.boiler", 400, "no table"),
    Hostile("a table that is not there", "SELECT * FROM silver.boilers", 400, "no table"),
    Hostile("a table without its schema", "SELECT * FROM boiler", 400, "no table"),
    Hostile("a type that reads the catalog", "SELECT 'x'::regclass", 400, "regclass"),
)
RAW = (
    Hostile("bronze", "SELECT * FROM bronze.boiler", 403, "bronze.boiler"),
    Hostile("quarantine", "SELECT * FROM quarantine.boiler", 403, "quarantine.boiler"),
    Hostile("what nobody knows", "SELECT * FROM quarantine._unknown", 403, "quarantine._unknown"),
    Hostile("replayed", "SELECT * FROM replayed.boiler", 403, "replayed.boiler"),
    Hostile("operation", "SELECT * FROM ops.publications", 403, "ops.publications"),
    Hostile("runs", "SELECT * FROM ops.runs", 403, "ops.runs"),
    Hostile("raw in capitals and quotes", 'SELECT * FROM "BRONZE"."Boiler"', 403, "bronze.boiler"),
    Hostile(
        "raw in a subquery", "SELECT * FROM silver.boiler WHERE device_id IN (SELECT device_id FROM bronze.boiler)", 403, "bronze.boiler"
    ),
)
ENDLESS = (
    Hostile("a recursion without an end", "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", 408),
    Hostile("a series of a million millions", "SELECT sum(hash(r)) FROM range(1000000000000) t(r)", 408),
    Hostile("a join of all with all", "SELECT count(*) FROM range(300000) a, range(300000) b WHERE a.range * b.range % 7 = 1", 408),
)
LARGE = (
    Hostile("a regular expression that explodes", "SELECT regexp_matches(repeat('a', 100), '((a{100}){100}){100}')", 400, "invalid"),
    Hostile("a long text", "SELECT length(repeat('x', 2000000000)) + length(repeat('y', 2000000000))", 413),
    Hostile("a long list", "SELECT len(list_sort(range(1000000000)))", 413),
    Hostile("a text that doubles", "WITH RECURSIVE r(t) AS (SELECT 'x' UNION ALL SELECT t || t FROM r) SELECT max(length(t)) FROM r", 413),
    Hostile("all rows in one list", "SELECT len(list(r || 'a long text for each of them')) FROM range(1000000000) t(r)", 413),
    Hostile("an answer of 20 MB", "SELECT repeat('x', 20000) FROM range(1000)", 413, "10,000,000 bytes"),
)
DEEP = (
    Hostile("deep parentheses", "SELECT " + "(" * 20_000 + "1" + ")" * 20_000, 400),
    Hostile("a long sum", "SELECT " + "+".join(["1"] * 20_000), 400),
    Hostile("deep subqueries", "SELECT * FROM " + "(SELECT * FROM " * 500 + "silver.boiler" + ")" * 500, 400),
    Hostile("too long", "SELECT '" + "x" * 70_000 + "'", 400),
    Hostile("a zero byte", "SELECT 'a\0b' FROM nothing", 400),
)
REFUSED = (*FILES, *CHANGES, *CATALOGS, *RAW, *DEEP)
