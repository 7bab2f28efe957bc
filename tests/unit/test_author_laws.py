"""For every change of the models the file is written and run, forward and back, and then nothing differs."""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import peewee as pw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.authoring import Folder
from tests.support.own_models import CASES
from tests.unit.builders import ID
from wch_peewee.database.connect import connected
from wch_peewee.errors import ConfigurationError
from wch_peewee.schema.objects import (
    Column,
    Default,
    ForeignKey,
    Index,
    Table,
    bigint,
    boolean,
    column_type,
    datetime,
    enum,
    integer,
    json,
    text,
    varchar,
)

TYPES = [
    varchar(10), varchar(80), text(), json(), datetime(), integer(), bigint(), bigint(unsigned=True), boolean(),
    enum("a", "b"), enum("a", "b", "it's"), enum("a", "b", "\\x", 'say """so"""'),
    enum("b", "c"),
    *(column_type(case.type) for case in CASES.values()),
]  # fmt: skip
DEFAULTS = {
    "varchar": "x y", "enum": "b", "int": "0", "bigint": "-7", "tinyint": "1", "decimal": "0", "double": "1.50",
    "date": "2026-01-02", "datetime": "2026-01-02 03:04:05", "timestamp": "2026-01-02 03:04:05", "time": "09:00:00",
}  # fmt: skip
NAMES = ["alpha", "beta", "gamma", "delta"]
KEYS = [bigint(unsigned=True), bigint(), integer(), column_type("int unsigned")]


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    type_ = draw(st.sampled_from(TYPES))
    default = DEFAULTS.get(type_.name) if draw(st.booleans()) and not type_.unsigned else None
    default = None if default not in type_.values and type_.name == "enum" else default
    # A timestamp that is NOT NULL has a default, or its model is refused.
    nullable = draw(st.booleans()) or (type_.name == "timestamp" and default is None)
    return Column(name, type_, nullable, Default(default) if default is not None else None)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, ...]:
    """Draw a parent and up to two children, with some columns, indexes and perhaps the foreign key."""
    found: list[Table] = []
    for name in draw(st.sampled_from([("parents",), ("parents", "children"), ("parents", "children", "others")])):
        chosen = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
        made = [draw(columns(column)) for column in chosen]
        indexes, keys = [], []
        if name != "parents":
            made.insert(0, Column("parent_id", found[0].columns[0].type, nullable=draw(st.booleans())))
            indexes.append(Index("parent_id", ("parent_id",)))
            if draw(st.booleans()):
                action = draw(st.sampled_from(["CASCADE", "NO ACTION"]))
                keys.append(ForeignKey(("parent_id",), "parents", on_delete=action))
        indexable = [column.name for column in made if not column.type.is_unbounded]
        for number in range(draw(st.integers(0, 2)) if indexable else 0):
            covered = tuple(draw(st.lists(st.sampled_from(indexable), unique=True, min_size=1, max_size=2)))
            index = Index(f"{draw(st.sampled_from(['one', 'two']))}_{number}", covered, draw(st.booleans()))
            if not any(other.columns == covered for other in indexes):
                indexes.append(index)
        key = replace(ID, type=draw(st.sampled_from(KEYS)))
        found.append(Table(name, (key, *made), indexes=tuple(indexes), foreign_keys=tuple(keys)))
    return tuple(found)


def gone(before: tuple[Table, ...], after: tuple[Table, ...]) -> list[str]:
    """Return what may be dropped: nothing that looks like a rename is one here."""
    found = []
    for table in before:
        now = next((other for other in after if other.name == table.name), None)
        found += [f"{table.name}.{c.name}" for c in table.columns if now is not None and now.column(c.name) is None]
        found += [table.name] if now is None else []
    return found


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(before=tables(), after=tables())
def test_what_is_written_makes_what_is_declared_and_goes_back(
    before: tuple[Table, ...], after: tuple[Table, ...]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place) / "migrations", before)
        assert folder.differences(before) == []
        source = folder.write(after, dropped=gone(before, after))
        assert folder.differences(after) == []
        assert folder.write(after) == ""
        if not source:
            return
        with connected(pw.SqliteDatabase(":memory:")) as database:
            manager = folder.manager(database)
            manager.run_migrations()
            if "steps.irreversible" in source:
                return
            manager.rollback(manager.status().applied[-1])
            newest = folder.migrations.path / f"{folder.migrations.names[-1]}.py"
            newest.unlink()
            assert folder.differences(before, database) == []


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(versions=st.lists(tables(), min_size=4, max_size=6))
def test_what_is_written_is_formatted_as_ruff_does(versions: list[tuple[Table, ...]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place) / "migrations", versions[0])
        for before, after in pairwise(versions):
            dropped = gone(before, after)
            folder.write(after, dropped=dropped)
            # Once more with the questions in it, which only ruff looks at.
            marked = Path(place) / f"{len(folder.migrations.names):03}_marked.py"
            marked.write_text(folder_with_marks(Path(place), before, after, dropped[1:]), encoding="utf-8")
        config = Path(__file__).resolve().parents[2] / "ruff.toml"
        for command in (["format", "--diff"], ["check", "--ignore", "I001"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(config), place],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout


def folder_with_marks(place: Path, before: tuple[Table, ...], after: tuple[Table, ...], dropped: list[str]) -> str:
    with tempfile.TemporaryDirectory(dir=place) as other:
        folder = Folder(Path(other) / "migrations", before)
        with contextlib.suppress(ConfigurationError):  # a rename that has to be said
            return folder.write(after, dropped=dropped, decided=False)
        return ""
