"""The declared models with a database and a prefix for the duration of a block, as ``plugin.bind()`` gives them.

with bound(plugin.database, plugin.prefix):
    Cart.select()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import peewee

from wch_peewee import MODELS, BaseModel
from wch_peewee.models.namespace import WCH
from wch_peewee.models.site import bind, bound_prefix


@contextmanager
def bound(database: peewee.Database, prefix: str = "wp_") -> Iterator[None]:
    before = BaseModel._meta.get_database_instance(), bound_prefix(WCH)
    bind(BaseModel, database, prefix)
    try:
        yield
    finally:
        bind(BaseModel, *before)  # type: ignore[arg-type]


@contextmanager
def without_new_references() -> Iterator[None]:
    """Let the declared models forget, at the end of the block, what has begun to refer to them."""
    kept = [(model, set(vars(model)), set(model._meta.backrefs)) for model in MODELS]
    try:
        yield
    finally:
        for model, names, backrefs in kept:
            for field in model._meta.backrefs.keys() - backrefs:
                field.model._meta.remove_ref(field)
            for name in vars(model).keys() - names:
                delattr(model, name)


def unbind() -> None:
    """Leave the declared models as they are without ``plugin.bind()``."""
    bind(BaseModel, None, "wp_")
