"""Messages no longer hold the content that was copied away."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    migrator.remove_fields("wp_wch_messages", "content")


def rollback(migrator, database, *, fake=False):
    migrator.add_fields("wp_wch_messages", content=pw.TextField(null=True))
    migrator.sql(
        "UPDATE wp_wch_messages SET content = "
        "(SELECT b.content FROM wp_wch_message_bodies b WHERE b.message_id = wp_wch_messages.id)"
    )
