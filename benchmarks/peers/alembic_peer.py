"""Alembic with SQLAlchemy and PyMySQL, as a benchmark's peer."""

from __future__ import annotations

import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from serving import ENUM_DEFAULT, MESSAGES, Database, Program, Unsupported, Work, main


class AlembicPeer(Program):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.engine = sa.create_engine(_url(database))
        # A service would ask on a connection of its pool, and pay for the ROLLBACK when it is given back. This one is
        # kept, and holds no transaction between two questions.
        self.connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.config = Config()
        self.config.set_main_option("script_location", str(Path(__file__).with_name("alembic_wch")))
        # Read once: a service that runs for long does not look for new revisions.
        self.scripts = ScriptDirectory.from_config(self.config)

    def warm(self) -> None:
        # So that the pool has the connection that changes are made on, as it has in a service.
        with self.engine.connect() as connection:
            MigrationContext.configure(connection).get_current_heads()

    def activate(self) -> Work:
        def work() -> None:
            with self.engine.begin() as connection:
                self.config.attributes["connection"] = connection
                command.upgrade(self.config, "head")

        return work

    def anything_to_do(self) -> Work:
        def work() -> bool:
            # As in Alembic's cookbook, "Test current database revision is at head(s)".
            context = MigrationContext.configure(self.connection)
            return set(context.get_current_heads()) != set(self.scripts.get_heads())

        return work

    def add_column(self, name: str) -> Work:
        def work() -> None:
            with self.engine.begin() as connection:
                op = Operations(MigrationContext.configure(connection))
                op.add_column(MESSAGES, sa.Column(name, sa.String(64), nullable=True))

        return work

    def longer_enum(self, column: str, values: list[str]) -> Work:
        if self.database.is_sqlite:
            raise Unsupported("an enum is a VARCHAR on SQLite, without a list of values in the database")

        def work() -> None:
            with self.engine.begin() as connection:
                op = Operations(MigrationContext.configure(connection))
                op.alter_column(
                    MESSAGES,
                    column,
                    type_=sa.Enum(*values),
                    # MODIFY says the whole column: what is not named here would be lost.
                    existing_nullable=False,
                    existing_server_default=ENUM_DEFAULT,
                )

        return work

    def wider_varchar(self, column: str, length: int) -> Work:
        def work() -> None:
            with self.engine.begin() as connection:
                op = Operations(MigrationContext.configure(connection))
                if self.database.is_sqlite:
                    # Alembic's way where there is no MODIFY: a copy of the table.
                    with op.batch_alter_table(MESSAGES) as batch:
                        batch.alter_column(column, type_=sa.String(length), existing_nullable=True)
                else:
                    op.alter_column(MESSAGES, column, type_=sa.String(length), existing_nullable=True)

        return work


def _url(database: Database) -> sa.URL:
    if database.is_sqlite:
        return sa.URL.create("sqlite", database=database.path)
    return sa.URL.create(
        "mysql+pymysql",
        username=database.user,
        password=database.password or None,
        host=database.host,
        port=database.port,
        database=database.name,
        query={"charset": "utf8mb4"},
    )


if __name__ == "__main__":
    sys.exit(main(AlembicPeer))
