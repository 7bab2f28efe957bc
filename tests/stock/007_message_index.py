"""A conversation's messages in their order, from one index."""


def migrate(migrator, database, *, fake=False):
    migrator.add_index("wp_wch_messages", "conversation", "created_at")


def rollback(migrator, database, *, fake=False):
    migrator.drop_index("wp_wch_messages", "conversation", "created_at")
