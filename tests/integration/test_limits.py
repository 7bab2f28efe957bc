"""What is refused when the Plugin is made is what a server refuses, to the byte."""

from __future__ import annotations

from typing import Any

import peewee as pw
import pytest

from tests.support.databases import LiveDatabase
from tests.support.own_models import own_model
from wch_peewee import ConfigurationError, Namespace
from wch_peewee.database.query import Connection
from wch_peewee.models.fields import ColumnField
from wch_peewee.schema import declared
from wch_peewee.schema.declared import create_statements, logical_tables

#: For each limit: how many fields of a kind fit, and which servers refuse one more.
LIMITS: dict[str, tuple[Any, int, tuple[str, ...]]] = {
    "columns": (lambda: ColumnField("tinyint"), 1016, ("mysql", "mariadb")),
    "row": (lambda: pw.CharField(255), 64, ("mysql", "mariadb")),
    "page of numbers": (lambda: pw.BigIntegerField(), 1012, ("mysql", "mariadb")),
    "page of numbers or nothing": (lambda: pw.BigIntegerField(null=True), 997, ("mysql", "mariadb")),
    "page of decimals": (lambda: pw.DecimalField(65, 30), 270, ("mysql", "mariadb")),
    "page of short texts": (lambda: pw.CharField(63), 32, ("mariadb",)),
    "page of long texts": (lambda: pw.TextField(), 197, ("mysql",)),
    "indexes": (lambda: pw.IntegerField(index=True), 63, ("mysql", "mariadb")),
}


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("limit", LIMITS)
def test_one_more_is_refused_by_us_and_by_the_server(
    database: LiveDatabase, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, most, refusing = LIMITS[limit]

    def model(number: int) -> Any:
        return own_model("limits", **{f"c{n}": make() for n in range(number)})

    create(database, model(most))
    with pytest.raises(ConfigurationError, match="servers take at most"):
        logical_tables([model(most + 1)])
    monkeypatch.setattr(declared, "_beyond", lambda table: "")
    if database.family in refusing:
        with pytest.raises(pw.PeeweeException, match=r"too large|Too many|Can't create table"):
            create(database, model(most + 1))
    else:
        create(database, model(most + 1))


def create(database: LiveDatabase, model: Any) -> None:
    database.execute("DROP TABLE IF EXISTS wp_lim_limits")
    dialect, names = Connection.detect(database.database).dialect, Namespace("lim").at("wp_")
    for one in create_statements(logical_tables([model]), names=names, dialect=dialect, collation="utf8mb4_general_ci"):
        database.execute(str(one).rstrip(";").replace("%", "%%"))
