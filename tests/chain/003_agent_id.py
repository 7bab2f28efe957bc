"""Version 1.2.0: assigned_agent_id is called agent_id."""

from wch_peewee.migrate import steps

VERSION = "1.2.0"


def migrate(migrator, database, *, fake=False):
    # wch: allow rename-column because a rename is what is tried here
    migrator.run(steps.rename_column, database, "conversations", "assigned_agent_id", "agent_id")
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.rename_column, database, "conversations", "agent_id", "assigned_agent_id")
    migrator.run(steps.unstamp, database, "1.1.0")
