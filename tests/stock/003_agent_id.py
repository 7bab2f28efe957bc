"""assigned_agent_id is called agent_id."""


def migrate(migrator, database, *, fake=False):
    migrator.rename_field("wp_wch_conversations", "assigned_agent_id", "agent_id")


def rollback(migrator, database, *, fake=False):
    migrator.rename_field("wp_wch_conversations", "agent_id", "assigned_agent_id")
