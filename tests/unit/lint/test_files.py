"""Mistakes in the files themselves are found, with their line; a comment with a reason allows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.migration_chain import chain_folder
from tests.unit.lint.folders import BACK, FIRST, HEAD, STAMP, UNSTAMP, file, folder, found, indented, places
from wch_peewee.authoring.lint import RULES, check_migrations
from wch_peewee.authoring.lint.findings import FIRM
from wch_peewee.errors import ConfigurationError
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.testing import assert_migrations_clean

GOOD = file('migrator.run(steps.add_column, database, "carts", Column("note", text(), nullable=True))')
END = GOOD.count("\n")
VERSION_LINE = HEAD.splitlines().index('VERSION = "1.1.0"') + 1
ADD = 'migrator.run(steps.add_column, database, "carts", Column("note", text(), nullable=True))'


def test_our_own_are_clean() -> None:
    assert check_migrations(migrations_folder()) == ()


def test_the_chain_is_clean_or_says_why_not(tmp_path: Path) -> None:
    assert check_migrations(chain_folder(tmp_path)) == ()


def test_a_clean_folder(tmp_path: Path) -> None:
    path = folder(tmp_path, _002_more=GOOD, helpers="def help(): ...\n", conf="")
    assert places(path) == []
    assert_migrations_clean(path)


def test_no_folder_is_no_clean_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigurationError, match="No migrations"):
            check_migrations(path)


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("0001_x", "002_x.py"),
        ("1000_x", "002_x.py"),
        ("2_x", "002_x.py"),
        ("002-x", "002_x.py"),
        ("002", "002_words.py"),
        ("two", "002_two.py"),
    ],
)
def test_a_name_that_would_be_passed_over(name: str, proposal: str, tmp_path: Path) -> None:
    (finding,) = found(folder(tmp_path, **{name: GOOD}))
    assert (finding.path.name, finding.line, finding.rule) == (f"{name}.py", 1, "name")
    assert finding.advice == f"rename it to {proposal}"


def test_a_gap(tmp_path: Path) -> None:
    (finding,) = found(folder(tmp_path, _004_more=GOOD))
    assert (finding.path.name, finding.rule) == ("004_more.py", "gap")
    assert "002 to 003" in finding.found


def test_a_number_twice(tmp_path: Path) -> None:
    second = GOOD.replace("1.1.0", "1.2.0").replace('"1.0.0"', '"1.1.0"')
    (finding,) = found(folder(tmp_path, _002_a=GOOD, _002_b=second))
    assert (finding.path.name, finding.rule) == ("002_b.py", "duplicate")
    assert "003" in finding.advice


BAD = {
    "VERSION is missing": (GOOD.replace("VERSION = ", "OTHER = ").replace(", VERSION)", ", OTHER)"), 1, "version"),
    "VERSION has a type": (GOOD.replace("VERSION = ", "VERSION: str = "), VERSION_LINE, "version"),
    "VERSION is worked out": (GOOD.replace('"1.1.0"\n', 'str("1.1.0")\n'), VERSION_LINE, "version"),
    "VERSION is not plain": (GOOD.replace('VERSION = "1.1.0"', 'VERSION = "1.1"'), VERSION_LINE, "version"),
    "VERSION stays": (GOOD.replace('VERSION = "1.1.0"', 'VERSION = "1.0.0"'), VERSION_LINE, "version"),
    "no stamp": (GOOD.replace(f"    {STAMP}\n", ""), FIRST, "stamp"),
    "another stamp": (GOOD.replace(STAMP, 'migrator.run(steps.stamp, database, "1.2.0")'), FIRST + 1, "stamp"),
    "a step behind the stamp": (f"{HEAD}{indented(STAMP, ADD)}\n\n{BACK}\n{indented(UNSTAMP)}", FIRST + 1, "stamp"),
    "no way to the version before": (GOOD.replace(UNSTAMP, UNSTAMP.replace("1.0.0", "1.1.0")), END, "stamp"),
    "a query in the body": (file("database.execute_sql('SELECT 1')"), FIRST, "body"),
    "a step in the body": (file('steps.run_sql(database, "SELECT 1")'), FIRST, "body"),
    "a query in a helper": (
        file("looked(database)").replace("def migrate", "def looked(db):\n    db.get_tables()\n\n\ndef migrate"),
        FIRST,
        "body",
    ),
    "a query on the way back": (file(back=("with database.atomic(): pass",)), FIRST + 4, "body"),
    "a body that fails": (file("1 / 0"), FIRST, "body"),
    "peewee-migrate's own": (file("migrator.sql('SELECT 1')"), FIRST, "body"),
    "a step with too little": (file('migrator.run(steps.add_column, database, "carts")'), FIRST, "step"),
    "a step with another shape": (file('migrator.run(steps.add_index, database, "carts", "items")'), FIRST, "step"),
    "tables by name": (file('migrator.run(steps.drop_tables, database, ["carts"])'), FIRST, "step"),
    "the models": (f"from wch_peewee.models.tables import Cart\n{GOOD}", 1, "models"),
    "the models by the package": (f"from wch_peewee import Conversation\n{GOOD}", 1, "models"),
    "the base model": (f"from wch_peewee import BaseModel\n{GOOD}", 1, "models"),
    "an enum": (f"from wch_peewee import ConversationStatus\n{GOOD}", 1, "models"),
    "the module": (f"from wch_peewee import models\n{GOOD}", 1, "models"),
    "an attribute": (f"import wch_peewee\nX = wch_peewee.Cart\n{GOOD}", 1, "models"),
    "rollback() is missing": (GOOD.partition(f"\n\n{BACK}")[0], 1, "rollback"),
    "an empty rollback": (GOOD.replace(UNSTAMP, "pass"), END - 1, "rollback"),
    "a question": (file(ADD, 'steps.decide("Which one?")'), FIRST + 1, "undecided"),
    "no Python": (GOOD + "what is this\n", END + 1, "load"),
    "a file that fails": ("import nothing_of_this_name\n", 1, "load"),
    "migrate() is missing": (
        "VERSION = '1.1.0'\n\n\n" + GOOD[GOOD.index(BACK) :].replace("steps.unstamp", "print"),
        1,
        "load",
    ),
    "an allowance without a reason": (file(f"{ADD}  # wch: allow narrowing"), FIRST, "allow"),
    "an allowance of nothing": (file("# wch: allow nothing because I may", ADD), FIRST, "allow"),
    "an allowance with the printed dots": (file("# wch: allow rename-column because ...", ADD), FIRST, "allow"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_found_at_its_line(what: str, tmp_path: Path) -> None:
    text, line, rule = BAD[what]
    findings = found(folder(tmp_path, _002_more=text))
    assert (line, rule) in [(finding.line, finding.rule) for finding in findings], findings
    assert {finding.rule for finding in findings} - {rule} <= ({"stamp"} if rule in ("version", "load") else set())
    with pytest.raises(AssertionError, match=rf"002_more\.py:{line}: \[{rule}\] "):
        assert_migrations_clean(tmp_path / "migrations")


def test_irreversible_is_a_way_back(tmp_path: Path) -> None:
    text = GOOD.replace(UNSTAMP, 'migrator.run(steps.irreversible, database, "rows were merged")')
    assert places(folder(tmp_path, _002_more=text)) == []


def test_nothing_is_run(tmp_path: Path) -> None:
    """The functions that a migration passes are recorded and not called."""
    text = file('migrator.run(lambda: print("run"))', "migrator.run(steps.run_python, database, lambda context: 1 / 0)")
    assert places(folder(tmp_path, _002_more=text)) == []


RENAME = 'migrator.run(steps.rename_column, database, "carts", "items", "things")'
LONG = 'migrator.run(\n        steps.rename_column,\n        database, "carts", "items", "things",{}\n    )'
BECAUSE = "# wch: allow rename-column because only this reads it"


@pytest.mark.parametrize(
    "lines",
    [(f"{RENAME}  {BECAUSE}",), (BECAUSE, RENAME), (LONG.format(f"  {BECAUSE}"),), (BECAUSE, LONG.format(""))],
)
def test_a_reason_allows(lines: tuple[str, ...], tmp_path: Path) -> None:
    assert places(folder(tmp_path, _002_more=file(*lines))) == []


@pytest.mark.parametrize(
    "lines",
    [(BECAUSE, "", RENAME), ("# wch: allow narrowing because of this", RENAME), (RENAME, f"pass  {BECAUSE}")],
)
def test_a_reason_allows_one_rule_at_one_place(lines: tuple[str, ...], tmp_path: Path) -> None:
    assert [rule for *_, rule in places(folder(tmp_path, _002_more=file(*lines)))] == ["rename-column"]


def test_every_rule_has_a_test() -> None:
    from tests.unit.lint.test_live_tables import DANGERS

    tested = {rule for _, _, rule in BAD.values()} | {rule for _, rule, _ in DANGERS.values()}
    assert set(RULES) - tested == {"name", "gap", "duplicate", "shipped", "drop-in-use"}  # they have their own


def test_the_page_lists_the_rules() -> None:
    page = (Path(__file__).parents[3] / "docs" / "lint.md").read_text(encoding="utf-8")
    table = page.partition("|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [f"| `{rule}` | {about} |" for rule, about in RULES.items()]
    assert "`name`, `load`, `shipped` and `allow` cannot" in page
    assert {"name", "load", "shipped", "allow"} == set(FIRM)
