"""Version 2.0.0: messages no longer hold the content that was copied away."""

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, json

VERSION = "2.0.0"

BACK = (
    "UPDATE {messages} SET content = (SELECT b.content FROM {message_bodies} b WHERE b.message_id = {messages}.id) "
    "WHERE content IS NULL"
)


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.drop_column, database, "messages", "content", allow_drop=True)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    content = Column("content", json(), nullable=True)
    migrator.run(steps.add_column, database, "messages", content, after="wa_message_id")
    # wch: allow whole-table because one statement that is killed in the middle is what is tried here
    migrator.run(steps.run_sql, database, BACK)
    migrator.run(steps.unstamp, database, "1.4.0")
