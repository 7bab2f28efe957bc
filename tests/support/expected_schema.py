"""Schema version 1.0.0, written by hand, and the description of a live table in the same form.

Nothing here uses the library: live tables are read with separate queries.

    assert described(database, "carts") == DECLARED["carts"]
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tests.support.databases import LiveDatabase

_TEXT = """
conversations
  id bigint unsigned counting
  customer_phone varchar(20)
  wa_conversation_id varchar(100)
  status enum('pending','active','closed') default pending
  assigned_agent_id bigint unsigned null
  context json null
  last_message_at datetime
  created_at datetime
  updated_at datetime
  primary id
  index customer_phone (customer_phone)
  index last_message_at (last_message_at)
messages
  id bigint unsigned counting
  conversation_id bigint unsigned
  direction enum('inbound','outbound')
  message_type enum('text','interactive','image','document','template')
  wa_message_id varchar(100)
  content json null
  status enum('sent','delivered','read','failed') default sent
  created_at datetime
  primary id
  index conversation_id (conversation_id)
  index created_at (created_at)
  unique wa_message_id (wa_message_id)
  foreign key conversation_id to conversations.id, delete cascade
carts
  id bigint unsigned counting
  customer_phone varchar(20)
  items json null
  coupon_code varchar(50) null
  shipping_address json null
  expires_at datetime
  created_at datetime
  updated_at datetime
  primary id
  index expires_at (expires_at)
  unique customer_phone (customer_phone)
customer_profiles
  id bigint unsigned counting
  phone varchar(20)
  wc_customer_id bigint unsigned null
  name varchar(100)
  saved_addresses json null
  preferences json null
  opt_in_marketing tinyint(1) default 0
  created_at datetime
  updated_at datetime
  primary id
  index wc_customer_id (wc_customer_id)
  unique phone (phone)
broadcast_campaigns
  id bigint unsigned counting
  name varchar(200)
  template_name varchar(100)
  audience_filter json null
  status enum('draft','scheduled','sending','completed','failed') default draft
  scheduled_at datetime null
  sent_count int default 0
  delivered_count int default 0
  read_count int default 0
  created_at datetime
  updated_at datetime
  primary id
  index scheduled_at (scheduled_at)
  index status (status)
sync_queue
  id bigint unsigned counting
  entity_type enum('product','order','inventory')
  entity_id bigint unsigned
  action enum('create','update','delete')
  status enum('pending','processing','completed','failed') default pending
  attempts int default 0
  error_message text null
  created_at datetime
  processed_at datetime null
  primary id
  index created_at (created_at)
  index entity_type_id (entity_type, entity_id)
  index status (status)
"""


def _tables(text: str) -> dict[str, list[str]]:
    tables: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        if line.startswith(" "):
            tables[list(tables)[-1]].append(line.strip())
        else:
            tables[line] = []
    return tables


DECLARED = _tables(_TEXT)


def described(database: LiveDatabase, key: str, *, prefix: str = "wp_") -> list[str]:
    """Return the description of a live table: its columns in order, then its keys, sorted by kind and name."""
    table = f"{prefix}wch_{key}"
    return _in_sqlite(database, table, prefix) if database.family == "sqlite" else _on_server(database, table, prefix)


def _on_server(database: LiveDatabase, table: str, prefix: str) -> list[str]:
    here = f"TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}'"
    text = database.execute(f"SHOW CREATE TABLE `{table}`")[0][1]
    lines = []
    for name, type_, nullable, default, extra in database.execute(
        "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA "
        f"FROM information_schema.COLUMNS WHERE {here} ORDER BY ORDINAL_POSITION"
    ):
        type_ = re.sub(r"^(bigint|int)\(\d+\)", r"\1", type_)
        # MariaDB's JSON is a text with a check.
        if type_ == "longtext" and re.search(rf"`{name}` longtext .*CHECK \(json_valid\(`{name}`\)\)", text):
            type_ = "json"
        default = None if nullable == "YES" and default == "NULL" else default
        lines.append(
            f"{name} {type_}"
            + (" null" if nullable == "YES" else "")
            + (f" default {default.strip(chr(39))}" if default is not None else "")
            + (" counting" if extra == "auto_increment" else f" {extra}".rstrip())
        )
    indexes: dict[tuple[str, str], list[str]] = {}
    for name, not_unique, column in database.execute(
        f"SELECT INDEX_NAME, NON_UNIQUE, COLUMN_NAME FROM information_schema.STATISTICS WHERE {here} "
        "ORDER BY INDEX_NAME, SEQ_IN_INDEX"
    ):
        indexes.setdefault((name, "index" if int(not_unique) else "unique"), []).append(column)
    keys = database.execute(
        "SELECT k.COLUMN_NAME, k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, r.DELETE_RULE "
        "FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r "
        "ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME "
        f"WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = '{table}' AND k.REFERENCED_TABLE_NAME IS NOT NULL"
    )
    primary = indexes.pop(("PRIMARY", "unique"), [])
    return [*lines, f"primary {', '.join(primary)}", *_keys(indexes), *_foreign_keys(keys, prefix)]


def _in_sqlite(database: LiveDatabase, table: str, prefix: str) -> list[str]:
    text = database.execute("SELECT sql FROM sqlite_master WHERE name = %s", (table,))[0][0]
    lines, primary = [], []
    for _, name, type_, not_null, default, in_key in database.execute(f"PRAGMA table_info({table})"):
        (definition,) = (line for line in text.splitlines() if line.strip().startswith(f'"{name}"'))
        said = type_.lower()
        if values := re.search(rf'CHECK \("{name}" IN \((.*)\)\)', definition):
            said = f"enum({values[1].replace(', ', ',')})"
        elif f'json_valid("{name}")' in definition:
            said = "json"
        elif length := re.search(r"varchar\((\d+)\)", said):
            assert f'CHECK (length("{name}") <= {length[1]})' in definition, definition
        elif in_key and "PRIMARY KEY AUTOINCREMENT" in definition:
            # The row's own number: 64 bits, and only INTEGER will do.
            assert said == "integer"
            said = "bigint unsigned counting"
        primary += [name] if in_key else []
        lines.append(
            f"{name} {said}" + ("" if not_null else " null") + (f" default {default.strip(chr(39))}" if default else "")
        )
    indexes = {}
    for _, name, unique, *_ in database.execute(f"PRAGMA index_list({table})"):
        assert name.startswith(f"{table}_"), name
        columns = [row[2] for row in database.execute(f"PRAGMA index_info({name})")]
        indexes[name.removeprefix(f"{table}_"), "unique" if unique else "index"] = columns
    keys = [
        (column, to, to_column, on_delete)
        for _, _, to, column, to_column, _, on_delete, _ in database.execute(f"PRAGMA foreign_key_list({table})")
    ]
    return [*lines, f"primary {', '.join(primary)}", *_keys(indexes), *_foreign_keys(keys, prefix)]


def _keys(indexes: dict[tuple[str, str], list[str]]) -> Iterable[str]:
    return sorted(f"{kind} {name} ({', '.join(columns)})" for (name, kind), columns in indexes.items())


def _foreign_keys(keys: Iterable[tuple[Any, ...]], prefix: str) -> Iterable[str]:
    for column, to, to_column, on_delete in keys:
        yield f"foreign key {column} to {to.removeprefix(f'{prefix}wch_')}.{to_column}, delete {on_delete.lower()}"
