"""Version 1.1.0: messages say which channel they came by; the old ones came by WhatsApp."""

from wch_peewee.migrate import batches, steps
from wch_peewee.schema.objects import Column, Default, varchar

VERSION = "1.1.0"

EMPTY = Column("channel", varchar(10), nullable=True)
FILLED = Column("channel", varchar(10), default=Default("whatsapp"))


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.add_column, database, "messages", EMPTY, after="message_type")
    migrator.run(batches.fill_column, database, "messages", "channel", "?", "whatsapp", size=2)
    migrator.run(steps.alter_column, database, "messages", FILLED)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_column, database, "messages", "channel", allow_drop=True)
    migrator.run(steps.unstamp, database, "1.0.0")
