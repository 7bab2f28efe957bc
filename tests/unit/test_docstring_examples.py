"""The examples in the docstrings of the public names run, and print what they show."""

import contextlib
import doctest
import enum
from pathlib import Path

import pytest

import wch_peewee
from wch_peewee import MODELS, Plugin

#: Errors and enums are shown where they are raised and stored; of functions, each report has an example of its own.
_WITHOUT = {"BaseModel", "MODELS", "WORDPRESS", "db_delta", "retrying", "utc_now"}


def _is_shown(name: str) -> bool:
    value = getattr(wch_peewee, name)
    return name not in _WITHOUT and not (isinstance(value, type) and issubclass(value, Exception | enum.Enum))


@pytest.mark.parametrize("name", [each for each in wch_peewee.__all__ if _is_shown(each)])
def test_the_example_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plugin = Plugin("sqlite:///wch.db")
    plugin.activate()
    known = {each: getattr(wch_peewee, each) for each in wch_peewee.__all__}
    known |= {"plugin": plugin, **{model.__name__: plugin.model(model) for model in MODELS}}
    examples = doctest.DocTestFinder(recurse=False).find(known[name], name, module=False, globs=known)
    (example,) = examples
    said: list[str] = []
    with contextlib.closing(plugin.database):
        result = doctest.DocTestRunner().run(example, out=said.append)
    assert (result.failed, result.attempted > 0) == (0, True), "".join(said)
