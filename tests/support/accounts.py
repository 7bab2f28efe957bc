"""A server account for one test, with the named privileges only.

with account(database, "SELECT, INSERT") as limited:
    wch("activate", database=limited.url(database.name))
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.support.addresses import ServerAddress
from tests.support.databases import LiveDatabase

PASSWORD = "s3cret-'%/@:#?"


@contextmanager
def account(
    database: LiveDatabase, rights: str, *, identified: str = "IDENTIFIED BY %s", password: str = PASSWORD
) -> Iterator[ServerAddress]:
    """Create an account with the privileges ``rights`` in this database, or with none if the text is empty."""
    name = f"wch_test_{secrets.token_hex(6)}"
    # For both hosts: some servers have an anonymous account for localhost, which would win over '%'.
    people = [f"'{name}'@'{host}'" for host in ("%", "localhost")]
    pattern = database.name.replace("_", "\\_")
    with database.address.connection() as connection, connection.cursor() as cursor:
        try:
            for person in people:
                cursor.execute(f"CREATE USER {person} {identified}".replace("%'", "%%'"), [password])
                if rights:
                    cursor.execute(f"GRANT {rights} ON `{pattern}`.* TO {person}")
            yield replace(database.address, user=name, password=password)
        finally:
            for person in people:
                cursor.execute(f"DROP USER IF EXISTS {person}")
