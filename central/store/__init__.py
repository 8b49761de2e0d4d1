"""The database: tables, migrations, and the functions that write and read them, the same on SQLite and on PostgreSQL."""
