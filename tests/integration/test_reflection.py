"""Models that pwiz writes of an existing plugin's tables equal these, and make the same tables under another prefix."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import peewee as pw
import pytest
from pwiz import print_models

from tests.support.authoring import Folder
from tests.support.databases import LiveDatabase
from tests.support.own_models import CASES, own_model
from tests.support.shop_tables import TABLES
from wch_peewee import BaseModel, db_delta
from wch_peewee.authoring.reflection import introspector
from wch_peewee.models.fields import IdField
from wch_peewee.schema.declared import logical_tables

COLLATION = "utf8mb4_unicode_520_ci"
THERE, HERE = "old_wch_", "new_"


def written(database: LiveDatabase, names: list[str]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print_models(introspector(database.database), tables=names, preserve_order=True)
    return out.getvalue()


def declared(source: str, names: list[str], prefix: str) -> list[Any]:
    """Return the models of pwiz's text, as an author declares them: ``BaseModel`` is ours, and tables have keys."""
    imports = "\n".join(line for line in source.splitlines() if line.startswith("from "))
    classes = source.partition("database = database\n")[2]
    namespace: dict[str, Any] = {"BaseModel": BaseModel}
    exec(f"{imports}\n{classes}", namespace)
    models = {
        model._meta.table_name: model
        for model in namespace.values()
        if isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel
    }
    for name, model in models.items():
        model._meta.table_key = name.removeprefix(prefix)
    return [models[name] for name in names]


def shown(database: LiveDatabase, name: str, prefix: str) -> list[str]:
    """Return SHOW CREATE TABLE with its keys in order, under names that do not depend on the prefix."""
    ((_, text),) = database.execute(f"SHOW CREATE TABLE {prefix}{name}")
    text = re.sub(r"\b(AUTO_INCREMENT=\d+ )", "", text.replace(prefix, ""))
    lines = [line.strip().rstrip(",") for line in text.splitlines()]
    lines = [re.sub(r"CONSTRAINT `\w+`", "CONSTRAINT", line) for line in lines]
    keys = [line for line in lines if re.match(r"(UNIQUE |PRIMARY )?KEY|CONSTRAINT", line)]
    return [*(line for line in lines if line not in keys), *sorted(keys)]


@pytest.mark.families("mysql", "mariadb")
def test_a_shop_is_read_declared_and_installed_again(database: LiveDatabase, tmp_path: Path) -> None:
    connection = database.database
    connection.execute_sql("SET SESSION sql_mode = ''")
    for name, text in TABLES.items():
        connection.execute_sql(
            f"CREATE TABLE {THERE}{name} ({text.replace('{prefix}', THERE)}\n) ENGINE=InnoDB "
            f"DEFAULT CHARSET=utf8mb4 COLLATE={COLLATION}"
        )
    names = [THERE + name for name in TABLES]
    source = written(database, names)
    models = declared(source, names, THERE)

    found = db_delta(models, connection, prefix="old_", dry_run=True)
    assert (found.changes, found.refusals, found.extras) == ((), (), ())

    report = db_delta(models, connection, prefix=HERE, patience=5)
    assert report.refusals == ()
    assert len(report.changes) == len(TABLES)
    for name in TABLES:
        assert shown(database, name, f"{HERE}wch_") == shown(database, name, THERE)

    Folder(tmp_path / "migrations", logical_tables(models)).manager(connection).run_migrations()
    for name in TABLES:
        assert shown(database, name, "wp_wch_") == shown(database, name, THERE)


def test_every_type_and_key_is_read_and_declared_again(installed: LiveDatabase) -> None:
    database = installed
    fields = {f"c{number}": case.make(null=True, default=case.default) for number, case in enumerate(CASES.values())}
    Every = own_model("every", database, id=IdField(), **fields)
    Pair = own_model(
        "pair",
        database,
        one=pw.IntegerField(),
        other=pw.CharField(40),
        every=pw.ForeignKeyField(Every, on_delete="CASCADE"),
        Meta=type("Meta", (), {"primary_key": pw.CompositeKey("one", "other"), "indexes": ((("other", "one"), True),)}),
    )
    Tree = own_model(
        "tree", database, code=pw.FixedCharField(3, primary_key=True), up=pw.ForeignKeyField("self", null=True)
    )
    One = own_model("one", database, tree=pw.ForeignKeyField(Tree, primary_key=True), n=pw.IntegerField(default=5))
    Bare = own_model("bare", database, n=pw.IntegerField(), Meta=type("Meta", (), {"primary_key": False}))
    Auto = own_model("auto", database, n=pw.IntegerField(null=True))  # with an AutoField
    Child = own_model("child", database, auto=pw.ForeignKeyField(Auto, null=True))
    models: tuple[Any, ...] = (Every, Pair, Tree, One, Bare, Auto, Child)
    assert db_delta(models, database.database, prefix="wp_").refusals == ()
    assert silent(db_delta(models, database.database, prefix="wp_", dry_run=True))

    every = Every.create()
    Pair.create(one=1, other="x", every=every)
    root = Tree.create(code="abc")
    One.create(tree=Tree.create(code="def", up=root))
    assert [(pair.one, pair.every_id) for pair in Pair.select()] == [(1, every.id)]
    assert [leaf.up.code for leaf in Tree.select().where(Tree.up == root)] == ["abc"]
    assert One.get().tree.up == root

    # SQLite has one type for numbers that count by themselves, and so for keys that refer to them.
    models = models[:-1] if database.family == "sqlite" else models
    names = [model._meta.table_name for model in models]
    again = declared(written(database, names), names, "wp_wch_")
    assert silent(db_delta(again, database.database, prefix="wp_", dry_run=True))


def silent(report: Any) -> bool:
    assert (report.changes, report.refusals, report.extras) == ((), (), ())
    return True
