"""Django's migrations with PyMySQL, as a benchmark's peer."""

from __future__ import annotations

import sys

import django
import pymysql
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations import AddField, AlterField, Migration
from django.db.migrations.executor import MigrationExecutor
from serving import ENUM_DEFAULT, MESSAGES, Database, Program, Unsupported, Work, main

APP = "django_wch"


class DjangoPeer(Program):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # Since 1.2 it gives the version of a mysqlclient that is new enough for Django; before, one had to be set.
        pymysql.install_as_MySQLdb()
        settings.configure(
            INSTALLED_APPS=[APP],
            DATABASES={"default": _settings(database)},
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            USE_TZ=False,
        )
        django.setup()
        connection.ensure_connection()

    def warm(self) -> None:
        # Django asks for the server's version and modes once a connection, and reads the migrations once a process.
        self.initial = MigrationExecutor(connection).loader.project_state()

    def activate(self) -> Work:
        def work() -> None:
            call_command("migrate", verbosity=0, interactive=False)

        return work

    def anything_to_do(self) -> Work:
        def work() -> bool:
            # What runserver does before it says that migrations are not applied.
            executor = MigrationExecutor(connection)
            return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))

        return work

    def add_column(self, name: str) -> Work:
        return self._apply(AddField("Message", name, models.CharField(max_length=64, null=True)), new=name)

    def longer_enum(self, column: str, values: list[str]) -> Work:
        if self.database.is_sqlite:
            raise Unsupported("Django has no enum type; on SQLite such a column is a varchar, which takes any value")
        from django_wch.fields import EnumField

        return self._apply(AlterField("Message", column, EnumField(values=values, db_default=ENUM_DEFAULT)))

    def wider_varchar(self, column: str, length: int) -> Work:
        return self._apply(AlterField("Message", column, models.CharField(max_length=length, null=True)))

    def _apply(self, operation: AddField | AlterField, *, new: str = "") -> Work:
        migration = Migration("measured", APP)
        migration.operations = [operation]
        state = self._present_state(without=new)
        # Rendering the models takes longer than a small table's change; generous, since a run of Django's pays for it.
        _ = state.apps

        def work() -> None:
            # As the executor does it. No row in django_migrations: the other peers write none here either.
            with connection.schema_editor(atomic=migration.atomic) as editor:
                migration.apply(state, editor)

        return work

    def _present_state(self, *, without: str):
        """The migrations' state, with the columns that others have added to the messages since.

        Django alters what its state knows, and on SQLite copies only that. Asked for again each time, because a
        benchmark puts the table back between two commands.
        """
        state = self.initial.clone()
        with connection.cursor() as cursor:
            live = connection.introspection.get_table_description(cursor, MESSAGES)
        known = {field.column for field in state.apps.get_model(APP, "Message")._meta.fields}
        for column in live:
            if column.name not in known and column.name != without:
                field = models.CharField(max_length=column.display_size or 64, null=True)
                state.add_field(APP, "message", column.name, field, preserve_default=True)
        return state


def _settings(database: Database) -> dict[str, object]:
    if database.is_sqlite:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": database.path}
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": database.name,
        "USER": database.user,
        "PASSWORD": database.password,
        "HOST": database.host,
        "PORT": database.port,
        "OPTIONS": {"charset": "utf8mb4"},
    }


if __name__ == "__main__":
    sys.exit(main(DjangoPeer))
