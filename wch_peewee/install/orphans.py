"""Messages whose conversation is missing, because PHP deletes conversations alone: counted, deleted or reattached."""

from typing import Any

from ..execution.context import RunContext
from ..schema.base import Query
from ..schema.naming import full_table_name

#: Messages, or conversations, in one transaction.
BATCH_SIZE = 1000

#: Marks a conversation that was made for orphans.
REATTACHED = "reattached"


def count_orphans(context: RunContext, limit: int | None = None) -> dict[int, int]:
    """Return the number of orphaned messages of each missing conversation, by its id; of the first ``limit``."""
    sql = (
        f"SELECT m.conversation_id, COUNT(*) FROM {_messages(context)} AS m WHERE {_orphaned(context, 'm')} "
        "GROUP BY m.conversation_id ORDER BY m.conversation_id" + ("" if limit is None else f" LIMIT {limit}")
    )
    return {int(row[0]): int(row[1]) for row in _ask(context, sql)}


def delete_orphans(context: RunContext) -> int:
    """Delete the orphaned messages in batches; return how many there were."""
    table, deleted, after = _messages(context), 0, -1
    while True:
        rows = _ask(
            context,
            f"SELECT m.id FROM {table} AS m WHERE m.id > {after} AND {_orphaned(context, 'm')} "
            f"ORDER BY m.id LIMIT {BATCH_SIZE}",
        )
        if not rows:
            return deleted
        ids = [int(row[0]) for row in rows]
        after = ids[-1]
        # Checked again in the same statement: a conversation with that id may have been created meanwhile.
        deleted += _write(
            context,
            f"DELETE FROM {table} WHERE id IN ({', '.join(map(str, ids))}) AND {_orphaned(context, table)}",
            "messages",
        )


def reattach_orphans(context: RunContext) -> int:
    """Create a closed conversation without phone number for each missing one; return how many messages have one again.

    It gets the missing id, so the messages stay as they are. The id 0, which no conversation can have, gets a
    conversation with an id of its own, and its messages are changed.
    """
    rescued = 0
    while True:
        rows = _ask(
            context,
            "SELECT m.conversation_id, COUNT(*), MIN(m.created_at), MAX(m.created_at) "
            f"FROM {_messages(context)} AS m WHERE {_orphaned(context, 'm')} "
            f"GROUP BY m.conversation_id ORDER BY m.conversation_id LIMIT {BATCH_SIZE}",
        )
        if not rows:
            return rescued
        for number, count, first, last in rows:
            if int(number):
                _make_conversation(context, int(number), first, last)
            else:
                _move_from_zero(context, first, last)
            rescued += int(count)


def _make_conversation(context: RunContext, number: int | None, first: Any, last: Any) -> None:
    columns = ["customer_phone", "wa_conversation_id", "status", "last_message_at", "created_at", "updated_at"]
    name = f"{REATTACHED}-0" if number is None else f"{REATTACHED}-{number}"
    values: list[Any] = ["", name, "closed", last, first, last]
    if number is not None:
        columns, values = ["id", *columns], [number, *values]
    slots = ", ".join([context.dialect.placeholder] * len(columns))
    sql = f"INSERT INTO {_conversations(context)} ({', '.join(columns)}) VALUES ({slots})"
    _write(context, sql, "conversations", *values)


def _move_from_zero(context: RunContext, first: Any, last: Any) -> None:
    find = f"SELECT id FROM {_conversations(context)} WHERE wa_conversation_id = '{REATTACHED}-0' ORDER BY id LIMIT 1"
    if not _ask(context, find):  # it is there when a run was killed behind it
        _make_conversation(context, None, first, last)
    ((number,),) = _ask(context, find)
    _write(
        context,
        f"UPDATE {_messages(context)} SET conversation_id = {int(number)} WHERE conversation_id = 0",
        "messages",
    )


def _orphaned(context: RunContext, messages: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {_conversations(context)} AS c WHERE c.id = {messages}.conversation_id)"


def _messages(context: RunContext) -> str:
    return context.dialect.quote(full_table_name("messages", context.prefix))


def _conversations(context: RunContext) -> str:
    return context.dialect.quote(full_table_name("conversations", context.prefix))


def _ask(context: RunContext, sql: str) -> list[tuple[Any, ...]]:
    return context.connection.query(Query(sql))


def _write(context: RunContext, sql: str, key: str, *parameters: Any) -> int:
    table = full_table_name(key, context.prefix)
    cursor = context.write(lambda: context.database.execute_sql(sql, parameters or None), table)
    return int(cursor.rowcount)
