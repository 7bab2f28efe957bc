"""Messages say which channel they came by; the old ones came by WhatsApp."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    migrator.add_fields("wp_wch_messages", channel=pw.CharField(10, null=True))
    migrator.sql("UPDATE wp_wch_messages SET channel = 'whatsapp' WHERE channel IS NULL")
    migrator.change_fields("wp_wch_messages", channel=pw.CharField(10, default="whatsapp"))


def rollback(migrator, database, *, fake=False):
    migrator.remove_fields("wp_wch_messages", "channel")
