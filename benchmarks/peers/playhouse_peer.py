"""playhouse.migrate, which comes with peewee, as a benchmark's peer: operations without a history."""

from __future__ import annotations

import sys

import peewee as pw
from peewee_databases import open_peewee
from playhouse.migrate import Operation, SchemaMigrator
from serving import ENUM_DEFAULT, MESSAGES, Database, Program, Unsupported, Work, enum_sql, main


class PlayhousePeer(Program):
    lacking = "playhouse.migrate keeps no versions and makes no tables"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.peewee = open_peewee(database)
        self.migrator = SchemaMigrator.from_database(self.peewee)

    def add_column(self, name: str) -> Work:
        return self._migrate(self.migrator.add_column(MESSAGES, name, pw.CharField(64, null=True)))

    def longer_enum(self, column: str, values: list[str]) -> Work:
        if self.database.is_sqlite:
            raise Unsupported("peewee has no enum type; on SQLite such a column is a varchar, which takes any value")

        class EnumField(pw.Field):
            field_type = enum_sql(values).replace("%", "%%")

        # MODIFY says the whole column: without the constraint the default would be lost.
        field = EnumField(constraints=[pw.SQL(f"DEFAULT '{ENUM_DEFAULT}'")])
        return self._migrate(self.migrator.alter_column_type(MESSAGES, column, field))

    def wider_varchar(self, column: str, length: int) -> Work:
        return self._migrate(self.migrator.alter_column_type(MESSAGES, column, pw.CharField(length, null=True)))

    def _migrate(self, operation: Operation) -> Work:
        def work() -> None:
            # As its documentation has it: a transaction where there are any for DDL, and no foreign keys on SQLite.
            with self.migrator.migration_context():
                self.migrator.migrate(operation)

        return work


if __name__ == "__main__":
    sys.exit(main(PlayhousePeer))
