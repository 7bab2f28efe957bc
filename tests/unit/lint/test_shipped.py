"""The record of shipped migrations: an edit is noticed, another layout is not, and nothing is overwritten."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import wch
from tests.unit.lint.folders import file, folder, found, places
from wch_peewee.authoring.lint import record_migrations
from wch_peewee.authoring.lint.shipped import digest
from wch_peewee.errors import ConfigurationError
from wch_peewee.migrate.folder import migrations_folder

OURS = migrations_folder()
SHIPPED = (OURS / "001_initial_schema.py").read_text(encoding="utf-8")
ADD = 'migrator.run(steps.add_column, database, "carts", Column("note", text(), nullable=True))'


def of(text: str) -> str:
    return digest(ast.parse(text))


def test_every_shipped_file_is_recorded() -> None:
    recorded = json.loads((OURS / "shipped.json").read_text(encoding="utf-8"))
    assert list(recorded) == sorted(path.stem for path in OURS.glob("0*.py"))
    # Another Python gives the same: this text was written by 3.11.
    assert recorded["001_initial_schema"] == "fb6523938c3c81f73ec0f3fafafd42080ef6e0c379d3aba4600f25a68cbd0040"


def test_the_digest_of_odd_syntax_is_the_same_on_every_python() -> None:
    odd = '''
@deco
async def f(a, /, b: int = 1, *args: str, c, d=None, **kw) -> None:
    """Documentation."""
    async with a as b, c: x: int = -1.5e3j
    match a:
        case {"k": [1, *_], **rest} | None if rest: return (yield)
    return [*a, {**b, 'k': f"{a!r:>{b}} text"}, lambda *, q=...: b"x", u"u", a[1:2, ::3], not a is b]
class C(B, metaclass=M): pass
try: pass
except* E as e: raise X from e
'''
    assert of(odd) == "90f5fb2d02173b639ecf198eeccc3e3c31929d1073c838446c8820780459ef4e"


def test_another_layout_is_no_edit() -> None:
    assert of(ast.unparse(ast.parse(SHIPPED))) == of(SHIPPED)
    changed = SHIPPED.replace('"""Version', '"""Release').replace('"""Make what', '"""Make all that')
    assert of(changed.replace("\n\n", "\n# a comment\n\n")) == of(SHIPPED)
    assert of(SHIPPED.replace('"', "'").replace("'''", '"""')) == of(SHIPPED)


@given(st.data())
def test_any_other_word_is_an_edit(data: st.DataObject) -> None:
    """One constant or name of the file is changed, anywhere; docstrings do not count."""
    tree = ast.parse(SHIPPED)
    documentation = [node.body[0].value for node in ast.walk(tree) if hasattr(node, "body") and ast.get_docstring(node)]
    nodes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.Name | ast.keyword | ast.alias) and node not in documentation
    ]
    node = data.draw(st.sampled_from(nodes))
    for attribute in ("value", "id", "arg", "name"):
        if isinstance(value := getattr(node, attribute, None), str | bool | int | None) and hasattr(node, attribute):
            setattr(node, attribute, f"{value}_")
            break
    assert digest(tree) != of(SHIPPED)


def test_an_edit_is_found(tmp_path: Path) -> None:
    path = folder(tmp_path)
    assert record_migrations(path) == ("001_initial_schema",)
    assert places(path) == []
    file_ = path / "001_initial_schema.py"
    file_.write_text(ast.unparse(ast.parse(SHIPPED)))
    assert places(path) == []
    # A reason does not help: who has run it has run the old one.
    file_.write_text("# wch: allow shipped because I may\n" + SHIPPED.replace("varchar(20)", "varchar(40)"))
    assert places(path) == [("001_initial_schema.py", 1, "allow"), ("001_initial_schema.py", 1, "shipped")]


def test_a_file_that_is_gone_is_found(tmp_path: Path) -> None:
    path = folder(tmp_path, _002_more=file(ADD))
    record_migrations(path)
    (path / "002_more.py").unlink()
    assert places(path) == [("shipped.json", 1, "shipped")]


@pytest.mark.parametrize("text", ["{", "[]", '{"001_initial_schema": 7}', "\x00"])
def test_a_record_that_cannot_be_read_is_found(text: str, tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "shipped.json").write_text(text)
    assert places(path) == [("shipped.json", 1, "shipped")]
    with pytest.raises(ConfigurationError, match=r"shipped\.json"):
        record_migrations(path)


def test_the_command_records_what_is_new_and_nothing_twice(tmp_path: Path) -> None:
    path = folder(tmp_path)
    options = ("check", "--migrations", str(path), "--quiet")
    assert wch(*options, "--record").out.splitlines()[0] == "Recorded 001_initial_schema"
    (path / "002_more.py").write_text(file(ADD))
    assert wch(*options, "--record").out.splitlines()[0] == "Recorded 002_more"
    record = (path / "shipped.json").read_text()
    (path / "002_more.py").write_text(file(ADD.replace("note", "notes")))
    (path / "003_x.py").write_text(file(ADD).replace("1.1.0", "1.2.0").replace("1.0.0", "1.1.0"))
    refused = wch(*options, "--record")
    assert (refused.code, [line.partition(" ")[2][:9] for line in refused.out.splitlines()]) == (1, ["[shipped]"])
    assert "Nothing was recorded" in refused.err
    assert (path / "shipped.json").read_text() == record
    (path / "shipped.json").write_text(json.dumps({"001_initial_schema": json.loads(record)["001_initial_schema"]}))
    assert wch(*options, "--record").out.splitlines()[:2] == ["Recorded 002_more", "Recorded 003_x"]


def test_the_command_speaks_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder(tmp_path, _002_more=file(ADD.replace(", nullable=True", "")))
    monkeypatch.chdir(tmp_path)
    result = wch("check", "--migrations", "migrations", "--format", "json")
    (finding,) = found(path)
    assert result.code == 1
    assert result.json["findings"] == [
        {
            "file": "migrations/002_more.py",
            "line": finding.line,
            "rule": "not-null",
            "found": finding.found,
            "advice": finding.advice,
        }
    ]
    assert wch("check", "--migrations", "migrations", "--format", "csv").out.startswith("file,line,rule,found,advice\n")
    lines = wch("check", "--migrations", "migrations").out.splitlines()
    assert lines == [f"migrations/002_more.py:{finding.line}: [not-null] {finding.found}; {finding.advice}"]


def test_the_command_needs_no_database() -> None:
    result = wch("check", "--migrations", database="mysql://nobody@127.0.0.1:1/none")
    assert (result.code, result.out) == (0, "No findings in the migrations.\n")
    assert wch("check", "--record").code == 64
