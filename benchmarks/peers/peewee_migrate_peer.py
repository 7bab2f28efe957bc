"""peewee-migrate alone, with its own Router, as a benchmark's peer."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import peewee as pw
from peewee_databases import open_peewee
from peewee_migrate import Migrator, Router
from serving import ENUM_DEFAULT, MESSAGES, Database, Program, Unsupported, Work, enum_sql, main


class PeeweeMigratePeer(Program):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # Otherwise each step is written to the terminal.
        logging.getLogger("peewee_migrate").setLevel(logging.WARNING)
        self.peewee = open_peewee(database)
        self.router = Router(self.peewee, migrate_dir=Path(__file__).with_name("peewee_migrate_wch"))

    def activate(self) -> Work:
        def work() -> None:
            self.router.run()

        return work

    def anything_to_do(self) -> Work:
        # A Router looks for the table of its history once, and makes it when it is not there.
        _ = self.router.model
        return lambda: bool(self.router.diff)

    def add_column(self, name: str) -> Work:
        migrator = self._migrator()

        def work() -> None:
            migrator.add_fields(MESSAGES, **{name: pw.CharField(64, null=True)})
            migrator()

        return work

    def longer_enum(self, column: str, values: list[str]) -> Work:
        if self.database.is_sqlite:
            raise Unsupported("peewee has no enum type; on SQLite such a column is a varchar, which takes any value")
        migrator = self._migrator()
        change = (
            f"ALTER TABLE `{MESSAGES}` MODIFY COLUMN `{column}` {enum_sql(values)} NOT NULL DEFAULT '{ENUM_DEFAULT}'"
        )

        def work() -> None:
            # Not change_fields: of a column that is NOT NULL it makes one that is NULL, then NOT NULL again without
            # its default. That copies the table twice, so who knows it writes the statement.
            migrator.sql(change.replace("%", "%%"))
            migrator()

        return work

    def wider_varchar(self, column: str, length: int) -> Work:
        migrator = self._migrator()
        # An earlier migration's column; how long it was does not show in the statement.
        with migrator.fake():
            migrator.add_fields(MESSAGES, **{column: pw.CharField(64, null=True)})

        def work() -> None:
            migrator.change_fields(MESSAGES, **{column: pw.CharField(length, null=True)})
            migrator()

        return work

    def _migrator(self) -> Migrator:
        """A migrator that knows the models, as the Router makes one by replaying what is applied; not timed.

        Asked for each time: a column of an earlier command may be gone by now.
        """
        migrator = Migrator(self.peewee)
        for name in self.router.todo:
            self.router.run_one(name, migrator, fake=True)
        return migrator


if __name__ == "__main__":
    sys.exit(main(PeeweeMigratePeer))
