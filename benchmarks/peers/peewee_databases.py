"""Peewee's database for the two peers that are made of it."""

from __future__ import annotations

import peewee as pw
from serving import Database


def open_peewee(database: Database) -> pw.Database:
    """Connected, as an application would be."""
    opened: pw.Database
    if database.is_sqlite:
        opened = pw.SqliteDatabase(database.path, pragmas={"foreign_keys": 1})
    else:
        opened = pw.MySQLDatabase(
            database.name,
            host=database.host,
            port=database.port,
            user=database.user,
            password=database.password,
            charset="utf8mb4",
        )
    opened.connect()
    return opened
