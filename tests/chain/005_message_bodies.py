"""Version 1.4.0: the content of messages gets a table of its own, and is copied there."""

from wch_peewee.migrate import batches, steps
from wch_peewee.schema.objects import Column, ForeignKey, Index, Table, bigint, json

VERSION = "1.4.0"

BODIES = Table(
    "message_bodies",
    columns=(
        Column("id", bigint(unsigned=True), auto_increment=True),
        Column("message_id", bigint(unsigned=True)),
        Column("content", json(), nullable=True),
    ),
    indexes=(Index("message_id", ("message_id",), unique=True),),
    foreign_keys=(ForeignKey(("message_id",), "messages", on_delete="CASCADE"),),
)

COPY = (
    "INSERT INTO {message_bodies} (message_id, content) SELECT m.id, m.content FROM {messages} m "
    "WHERE {batch:m} AND NOT EXISTS (SELECT 1 FROM {message_bodies} b WHERE b.message_id = m.id) ORDER BY m.id"
)


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.create_tables, database, (BODIES,))
    migrator.run(batches.run_in_batches, database, "messages", COPY, size=4)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_tables, database, (BODIES,), allow_drop=True)
    migrator.run(steps.unstamp, database, "1.3.0")
