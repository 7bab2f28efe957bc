"""Model metadata that answers for the site of the moment.

peewee fixes a model's table name and database when the class is made. Here ``table_name``, ``table``, ``entity``
and ``database`` are looked up each time, so one set of models serves every prefix, database and thread.

    class Meta:
        model_metadata_class = SiteMetadata
        table_key = "carts"
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import peewee

from ..schema import naming
from . import site


@dataclass(frozen=True, slots=True)
class NamedIndex:
    """An index over several columns; ``name`` is the plain one, which engines may have to qualify."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


class SiteMetadata(peewee.Metadata):
    """The metadata of a model whose table is one of ours; without ``table_key`` the name is fixed, as in peewee."""

    if TYPE_CHECKING:
        # What peewee has and its stubs do not.
        _additional_keys: set[str]

        def get_primary_keys(self) -> tuple[peewee.Field[Any], ...]: ...

    def __init__(
        self,
        model: type[peewee.Model],
        database: peewee.Database | None = None,
        *,
        table_key: str | None = None,
        named_indexes: tuple[NamedIndex, ...] = (),
        **options: Any,
    ) -> None:
        self.table_key = None if table_key is None else naming.logical_name(table_key)
        self.named_indexes = tuple(named_indexes)
        self._tables: dict[str, peewee.Table] = {}
        # (database in effect, database bound) before a binding hid the first; bounded, since bindings may stay.
        self._hidden: deque[tuple[Any, Any]] = deque(maxlen=16)
        self._bound: Any = None
        super().__init__(model, self._inherited(model, database), **options)
        self._additional_keys |= {"table_key", "named_indexes"}

    @staticmethod
    def _inherited(model: type[peewee.Model], database: Any) -> Any:
        # peewee hands a base class's database of this moment to the subclass, as if it had been declared.
        for base in model.__mro__[1:]:
            meta = getattr(base, "_meta", None)
            if isinstance(meta, SiteMetadata):
                return meta._bound if database is meta.database else database
        return database

    @property
    def database(self) -> peewee.Database | None:
        """The block's database, else the bound one, else the process default's."""
        return site.current_database(self._bound)

    @database.setter
    def database(self, value: peewee.Database | None) -> None:
        self._bound = value

    def set_database(self, database: peewee.Database | peewee.DatabaseProxy | None) -> None:
        # bind_ctx saves ``database``, which may be the block's or the default's, and binds that afterwards. It must
        # come down to the former binding, or one site's database would stay with the model for everybody.
        for effective, bound in reversed(tuple(self._hidden)):
            if effective is database and site.current_database(bound) is database:
                self._hidden.remove((effective, bound))
                super().set_database(bound)
                break
        else:
            if self.database is not self._bound and (self.database, self._bound) not in self._hidden:
                self._hidden.append((self.database, self._bound))
            super().set_database(database)  # type: ignore[arg-type]
        # The schema manager looks it up, like everything else.
        self.model._schema.database = None  # type: ignore[attr-defined]

    @property
    def table_name(self) -> str:
        return self._fixed_name or site.get_table_name(self.table_key or "")

    @table_name.setter
    def table_name(self, value: str) -> None:
        self._fixed_name = value

    def make_table_name(self) -> str:
        return super().make_table_name() if self.table_key is None else ""

    @property
    def table(self) -> peewee.Table:
        """The table of the moment; it has no database of its own, because the models' queries bring theirs."""
        name = self.table_name
        table = self._tables.get(name)
        if table is None:
            columns = [field.column_name for field in self.sorted_fields]
            table = peewee.Table(name, columns, schema=self.schema, _model=self.model)
            table = self._tables.setdefault(name, table)
        return table

    @table.deleter
    def table(self) -> None:
        self._tables.clear()

    def fields_to_index(self) -> list[Any]:
        named = [
            peewee.ModelIndex(
                self.model,
                [self.combined[column] for column in index.columns],
                unique=index.unique,
                name=naming.constraint_name(self.table_name, index.name),
            )
            for index in self.named_indexes
        ]
        return super().fields_to_index() + named
