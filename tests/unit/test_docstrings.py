"""Every public name has a docstring of its own, and so has every public method of its classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

import wch_peewee

NAMES = [name for name in wch_peewee.__all__ if inspect.isroutine(getattr(wch_peewee, name))]
CLASSES = [name for name in wch_peewee.__all__ if inspect.isclass(getattr(wch_peewee, name))]


def undocumented(owner: type) -> Iterator[str]:
    peewees = {name for part in owner.__mro__ if part.__module__ == "peewee" for name in vars(part)}
    for part in owner.__mro__:
        if not part.__module__.startswith("wch_peewee"):
            continue
        for name, value in vars(part).items():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            is_ours = inspect.isfunction(function) and function.__module__.startswith("wch_peewee")
            if (
                is_ours
                and not name.startswith("_")
                and name not in peewees
                and not inspect.getdoc(getattr(owner, name))
            ):
                yield f"{part.__name__}.{name}"


@pytest.mark.parametrize("name", NAMES)
def test_a_function_says_what_it_does(name: str) -> None:
    assert inspect.getdoc(getattr(wch_peewee, name))


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_and_its_methods_say_what_they_are(name: str) -> None:
    found = getattr(wch_peewee, name)
    assert vars(found).get("__doc__"), f"{name} has no docstring of its own"
    assert sorted(undocumented(found)) == []
