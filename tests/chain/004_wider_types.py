"""Version 1.3.0: longer coupon codes (across 255 bytes), attempts as bigint, one more message status."""

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, Default, bigint, enum, integer, varchar

VERSION = "1.3.0"

STATUSES = ("sent", "delivered", "read", "failed")


def migrate(migrator, database, *, fake=False):
    # wch: allow table-copy because a copy is what is tried here
    migrator.run(steps.alter_column, database, "carts", Column("coupon_code", varchar(80), nullable=True))
    # wch: allow table-copy because a copy is what is tried here
    migrator.run(steps.alter_column, database, "sync_queue", Column("attempts", bigint(), default=Default("0")))
    longer = Column("status", enum(*STATUSES, "deleted"), default=Default("sent"))
    migrator.run(steps.alter_column, database, "messages", longer)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.alter_column, database, "carts", Column("coupon_code", varchar(50), nullable=True))
    migrator.run(steps.alter_column, database, "sync_queue", Column("attempts", integer(), default=Default("0")))
    migrator.run(steps.alter_column, database, "messages", Column("status", enum(*STATUSES), default=Default("sent")))
    migrator.run(steps.unstamp, database, "1.2.0")
