"""The content of messages gets a table of its own, and is copied there."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    @migrator.create_model
    class MessageBody(pw.Model):
        message = pw.ForeignKeyField(migrator.orm["wp_wch_messages"], on_delete="CASCADE", unique=True)
        content = pw.TextField(null=True)

        class Meta:
            table_name = "wp_wch_message_bodies"

    migrator.sql(
        "INSERT INTO wp_wch_message_bodies (message_id, content) SELECT id, content FROM wp_wch_messages ORDER BY id"
    )


def rollback(migrator, database, *, fake=False):
    migrator.remove_model("wp_wch_message_bodies")
