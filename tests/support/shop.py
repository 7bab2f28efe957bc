"""Another plugin's tables: a shop with invoices of WordPress's users and WhatsApp Commerce Hub's conversations.

folder = shop_folder(tmp_path)
Plugin(url, namespace=shop, models=MODELS, migrations=folder)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

from wch_peewee import MODELS as OURS
from wch_peewee import WORDPRESS, BaseModel, Conversation, Namespace
from wch_peewee.models.fields import IdField, ReferenceField, UtcDateTimeField, VarcharField, utc_now

shop = Namespace("shop")


class ShopModel(BaseModel):
    class Meta:
        namespace = shop


class WordPressModel(BaseModel):
    class Meta:
        namespace = WORDPRESS


class User(WordPressModel):
    id = IdField(column_name="ID")

    class Meta:
        table_key = "users"


class Post(WordPressModel):
    id = IdField(column_name="ID")

    class Meta:
        table_key = "posts"


class Invoice(ShopModel):
    id = IdField()
    number = VarcharField(40, unique=True)
    user = ReferenceField(User, null=True, on_delete="SET NULL")
    conversation = ReferenceField(Conversation, null=True, on_delete="SET NULL", backref="+")
    paid_at = UtcDateTimeField(null=True, index=True)
    created_at = UtcDateTimeField(default=utc_now)

    class Meta:
        table_key = "invoices"


class Line(ShopModel):
    id = IdField()
    invoice = ReferenceField(Invoice, backref="lines", on_delete="CASCADE")
    post = ReferenceField(Post, null=True, on_delete="SET NULL")
    title = VarcharField(80, default="")

    class Meta:
        table_key = "lines"


def apart(model: type[BaseModel]) -> None:
    """Leave the model out of the children of our models, which other tests of this process list."""
    for field in [*model._meta.refs]:
        meta: Any = field.rel_model._meta
        if field.rel_model in OURS:
            del meta.backrefs[field]
            meta.model_backrefs[model].remove(field)


apart(Invoice)

MODELS: tuple[type[BaseModel], ...] = (Invoice, Line)

_FIRST = '''"""Version 1.0.0: invoices."""

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, Default, ForeignKey, Index, Table, bigint, datetime, varchar

VERSION = "1.0.0"
NAMESPACE = "shop"

ID = Column("id", bigint(unsigned=True), auto_increment=True)
TABLES = (
    Table(
        "invoices",
        (
            ID,
            Column("number", varchar(30)),
            Column("user_id", bigint(unsigned=True), nullable=True),
            Column("conversation_id", bigint(unsigned=True), nullable=True),
            Column("created_at", datetime()),
        ),
        indexes=(
            Index("number", ("number",), unique=True),
            Index("user_id", ("user_id",)),
            Index("conversation_id", ("conversation_id",)),
        ),
        foreign_keys=(
            ForeignKey(("user_id",), "{prefix}users", ("ID",), on_delete="SET NULL"),
            ForeignKey(("conversation_id",), "{prefix}wch_conversations", ("id",), on_delete="SET NULL"),
        ),
    ),
    Table(
        "lines",
        (
            ID,
            Column("invoice_id", bigint(unsigned=True)),
            Column("title", varchar(80), default=Default("")),
        ),
        indexes=(Index("invoice_id", ("invoice_id",)),),
        foreign_keys=(ForeignKey(("invoice_id",), "invoices", ("id",), on_delete="CASCADE"),),
    ),
)


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.create_tables, database, TABLES)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_tables, database, TABLES)
    migrator.run(steps.unstamp, database, None)
'''
_SECOND = '''"""Version 1.1.0: when an invoice was paid, and which post a line is about."""

from wch_peewee.migrate import batches, steps
from wch_peewee.schema.objects import Column, ForeignKey, Index, bigint, datetime, varchar

VERSION = "1.1.0"
NAMESPACE = "shop"

POST = ForeignKey(("post_id",), "{prefix}posts", ("ID",), on_delete="SET NULL")


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.alter_column, database, "invoices", Column("number", varchar(40)))
    paid = Column("paid_at", datetime(), nullable=True)
    migrator.run(steps.add_column, database, "invoices", paid, after="conversation_id")
    migrator.run(steps.add_index, database, "invoices", Index("paid_at", ("paid_at",)))
    migrator.run(batches.fill_column, database, "invoices", "paid_at", "{invoices}.created_at")
    post = Column("post_id", bigint(unsigned=True), nullable=True)
    migrator.run(steps.add_column, database, "lines", post, after="invoice_id")
    migrator.run(steps.add_index, database, "lines", Index("post_id", ("post_id",)))
    migrator.run(steps.add_foreign_key, database, "lines", POST)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_foreign_key, database, "lines", POST)
    migrator.run(steps.drop_index, database, "lines", "post_id")
    migrator.run(steps.drop_column, database, "lines", "post_id", allow_drop=True)
    migrator.run(steps.drop_index, database, "invoices", "paid_at")
    migrator.run(steps.drop_column, database, "invoices", "paid_at", allow_drop=True)
    migrator.run(steps.alter_column, database, "invoices", Column("number", varchar(30)))
    migrator.run(steps.unstamp, database, "1.0.0")
'''


def shop_folder(around: Path) -> Path:
    """Write the shop's two migrations into a new folder."""
    folder = around / "shop_migrations"
    folder.mkdir()
    (folder / "001_invoices.py").write_text(_FIRST, encoding="utf-8")
    (folder / "002_paid.py").write_text(_SECOND, encoding="utf-8")
    return folder


def make_wordpress(database: peewee.Database, *prefixes: str) -> None:
    """Create the users that all sites share, and each site's posts, with a row each."""
    sqlite = isinstance(database, peewee.SqliteDatabase)
    number = "INTEGER PRIMARY KEY" if sqlite else "bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY"
    for table in (f"{prefixes[0]}users", *(f"{prefix}posts" for prefix in prefixes)):
        database.execute_sql(f"CREATE TABLE {table} (ID {number}, title varchar(20))")
        database.execute_sql(f"INSERT INTO {table} (title) VALUES ('one')")


def fill_shop(database: peewee.Database, prefix: str) -> None:
    """Write two invoices and three lines, as they are in version 1.0.0."""

    def insert(key: str, columns: str, *rows: tuple[Any, ...]) -> None:
        slot = "?" if isinstance(database, peewee.SqliteDatabase) else "%s"
        for row in rows:
            slots = ", ".join([slot] * len(row))
            database.execute_sql(f"INSERT INTO {prefix}shop_{key} ({columns}) VALUES ({slots})", row)

    insert("invoices", "id, number, created_at", (1, "A-1", "2024-01-01 10:00:00"), (2, "A-2", "2024-01-02 10:00:00"))
    insert("lines", "id, invoice_id, title", (1, 1, "Tea"), (2, 1, "Cup"), (3, 2, "Pot"))
