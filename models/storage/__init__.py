"""The database: connections, statements, column types, constraints, migrations, sealed values. Knows no noun."""
