"""Version 2.0.1: a conversation's messages in their order, from one index."""

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Index

VERSION = "2.0.1"


def migrate(migrator, database, *, fake=False):
    index = Index("conversation_created", ("conversation_id", "created_at"))
    migrator.run(steps.add_index, database, "messages", index)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_index, database, "messages", "conversation_created")
    migrator.run(steps.unstamp, database, "2.0.0")
