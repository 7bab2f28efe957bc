"""The examples in README.md run, and its tables are those of the code (tests/support/page_examples.py)."""

from __future__ import annotations

import compileall
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.accounts import account
from tests.support.command import commands_of
from tests.support.databases import LiveDatabase
from tests.support.page_examples import Block, Reader, blocks_of
from tests.support.populate import populate
from wch_peewee import Plugin
from wch_peewee.cli.app import wch
from wch_peewee.cli.options import EXIT_CODES
from wch_peewee.database.query import SUPPORTED
from wch_peewee.database.url import parse_url
from wch_peewee.install.doctor import diagnose
from wch_peewee.install.manager import DatabaseManager
from wch_peewee.install.privileges import REMOVAL, UPGRADE
from wch_peewee.migrate import batches, steps
from wch_peewee.models.fields.documents import MAX_DEPTH
from wch_peewee.schema.naming import check_prefix
from wch_peewee.schema.statements import COPY_RULE

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ["setup.cfg", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md", "wch_peewee", "migrations"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks_of(README)

SHOP = "sqlite:///shop.db"
WORDPRESS = "mysql://shop:secret@db.example.com/wordpress"
INSTALL = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/wch activate"
PROGRAMS = {
    "wch": "from wch_peewee.cli import main; main()",
    "pw_migrate": "from peewee_migrate.cli import cli; cli()",
    "pytest": "import sys, pytest; sys.exit(pytest.main())",
}
#: Their output is the same on every engine; other console blocks show SQLite's.
ALIKE = ("Migrations",)


def cells(heading: str) -> list[list[str]]:
    """Return the rows of the table whose first heading is ``heading``."""
    table = README.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def copy_sources(folder: Path) -> Path:
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout like after ``pip install -e .``: with metadata, and with the programs in .venv/bin."""
    checkout = copy_sources(tmp_path_factory.mktemp("installed"))
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, program in PROGRAMS.items():
        (programs / name).write_text(f"#!{sys.executable}\n{program}\n")
        (programs / name).chmod(0o755)
    build = "import setuptools; setuptools.setup(script_args=['--quiet', 'egg_info'])"
    subprocess.run([sys.executable, "-c", build], cwd=checkout, check=True)
    # Once, and not by the first command in each copy.
    compileall.compile_dir(checkout / "wch_peewee", quiet=1)
    return checkout


@pytest.fixture
def checkout(installed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(installed, tmp_path / "checkout", symlinks=True))


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {block.language for block in BLOCKS} == {"sh", "console", "python", "sql"}
    assert [block.section for block in BLOCKS if block.language == "sh"] == ["wch_peewee", "Developing"]
    assert [block.section for block in BLOCKS if block.language == "sql"] == ["Engines and limits"]
    assert README.count("\n```") == 2 * len(BLOCKS)


def test_the_page_from_top_to_bottom(checkout: Path) -> None:
    with Reader(checkout, typed={WORDPRESS: "sqlite:///wordpress.db"}) as reader:
        reader.command(".venv/bin/wch activate")  # what is left of the first command when pip is through
        for block in BLOCKS:
            if block.language in ("console", "python"):
                reader.run(block)


def test_the_python_and_the_migrations_on_every_engine(checkout: Path, database: LiveDatabase) -> None:
    shown = {database.url: SHOP, str(parse_url(database.url)): SHOP, database.name: "shop.db"}
    with Reader(checkout, typed={SHOP: database.url, WORDPRESS: database.url}, shown=shown) as reader:
        reader.command(f"export WCH_DATABASE_URL={SHOP}")
        reader.command("wch activate")
        for block in BLOCKS:
            if block.language == "python" or (block.language == "console" and block.section in ALIKE):
                reader.run(block)
    assert DatabaseManager(database.url, migrations=checkout / "migrations").status().is_current


@pytest.mark.families("mysql", "mariadb")
def test_the_privileges_are_enough(database: LiveDatabase) -> None:
    (grant,) = (block.text for block in BLOCKS if block.language == "sql")
    named = re.fullmatch(r"GRANT (.+) ON `wordpress`\.\* TO 'shop'@'%';\n", grant)
    assert named is not None
    assert set(named[1].split(", ")) == {*UPGRADE, *REMOVAL} - {"DROP"}
    with account(database, named[1]) as limited:
        plugin = Plugin(limited.url(database.name))
        assert [plugin.activate().outcome, plugin.activate().outcome] == ["installed", "current"]
        assert {finding.name for finding in diagnose(plugin.manager) if finding.state != "ok"} == {
            "privileges to remove"
        }
        plugin.database.close()


def test_the_two_commands_are_there() -> None:
    first, *_ = (block for block in BLOCKS if block.language == "sh")
    assert first.text.splitlines() == [INSTALL, "tests/run"]
    assert os.access(ROOT / "tests" / "run", os.X_OK)


@pytest.mark.slow
def test_the_first_command_on_a_fresh_machine(tmp_path: Path) -> None:
    where = "import wch_peewee; print(wch_peewee.__file__)"
    with Reader(copy_sources(tmp_path), typed={}) as reader:
        del reader.environment["PYTHONPATH"]  # what is installed has to do, not what lies beside it
        said = reader.command(INSTALL)
        assert said.endswith("Success: Installed version 1.0.0.\n"), said
        reader.run(next(block for block in BLOCKS if block.language == "console"))
        assert reader.command(f".venv/bin/python -I -c '{where}'").startswith(str(tmp_path / ".venv"))


def test_the_developing_commands_name_what_is_there() -> None:
    *_, last = (block for block in BLOCKS if block.language == "sh")
    programs = {word for line in last.text.splitlines() for word in line.split() if word in ("tests/run", ".ci/run")}
    assert programs == {"tests/run", ".ci/run"}
    assert all(os.access(ROOT / program, os.X_OK) for program in programs)
    section = README.partition("## Developing")[2]
    known = (ROOT / "tests/run").read_text() + (ROOT / "conftest.py").read_text()
    assert [word for word in re.findall(r"--\w+|WCH_\w+", section) if word not in known + "--strict"] == []


def test_the_paths_that_are_named_are_there() -> None:
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    paths = [word for word in quoted(prose) if re.fullmatch(r"(wch_peewee|tests|migrations|\.ci)/[a-z_/.]*", word)]
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_table_of_commands_is_clicks() -> None:
    shared = {option for parameter in wch.params for option in parameter.opts} | {"--help", "-h"}
    large = set(re.findall(r"`(--[\w-]+)", README.partition("*Large tables*:")[2].partition("See")[0]))
    documented = {
        quoted(name)[0]: set(quoted(own)) | (large if "*large tables*" in own else set())
        for name, _, own in cells("command")
    }
    actual = {}
    for name, command in commands_of(wch).items():
        options = {option for parameter in command.params for option in parameter.opts}
        actual[f"wch {name}"] = {option for option in options - shared if option.startswith("--")}
    assert documented == actual
    assert list(documented) == list(actual)


def test_the_shared_options_are_clicks() -> None:
    words = README.partition("All take ")[2].partition("prints the version")[0]
    assert set(re.findall(r"--\w+", words)) == {max(parameter.opts, key=len) for parameter in wch.params} | {"--help"}
    assert f"({DatabaseManager(SHOP).patience:g})" in README


def test_the_sizes_of_large_tables_are_those_of_the_code() -> None:
    said = (f"{COPY_RULE.rows:,} rows", f"{COPY_RULE.bytes // 2**20} MiB")
    online = (ROOT / "docs" / "online.md").read_text(encoding="utf-8")
    assert [[words in page for words in said] for page in (README, online)] == [[True, True]] * 2


def test_commands_named_in_passing_are_there() -> None:
    assert set(re.findall(r"`wch (\w+)", README)) == set(commands_of(wch))


def test_the_exit_codes_are_those_of_the_code() -> None:
    assert [(int(number), meaning) for number, meaning in cells("exit code")] == list(EXIT_CODES.items())


def test_the_environment_is_what_the_code_reads() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "wch_peewee").rglob("*.py"))
    documented = [quoted(name)[0] for name, _, _ in cells("environment")]
    read = set(re.findall(r"\bWCH_[A-Z_]+\b", source))
    for_tests = {name for name in read if name.startswith("WCH_TEST_")}
    assert set(documented) == read - for_tests
    assert all(name in README.partition("## Developing")[2] for name in for_tests)


def test_the_steps_are_those_of_the_code() -> None:
    listed, _, rest = README.partition("The steps are ")[2].partition(". The batches, for rows, are")
    assert set(quoted(listed)) == set(steps.__all__)
    assert set(quoted(rest.partition(":")[0])) == set(batches.__all__)


def test_the_limits_are_those_of_the_code() -> None:
    assert f"JSON: {MAX_DEPTH} levels" in README
    check_prefix("p" * 41)
    with pytest.raises(Exception, match="too long"):
        check_prefix("p" * 42)
    assert "underscores, 41 characters at most" in README
    plugin = inspect.signature(Plugin)
    assert plugin.parameters["verify_every"].default == 600
    assert plugin.parameters["retry_after"].default == 60


def test_the_engines_are_those_of_the_code() -> None:
    for engine in SUPPORTED.split(", "):
        assert f"{engine} (" in README


def test_a_block_knows_its_place() -> None:
    page = "# One\n\n```sh\n# no heading\n```\n\n## Two\n\n```python\n# a/b.py\nx = 1\n```\n"
    first, second = blocks_of(page)
    assert first == Block("sh", "# no heading\n", 4, "One")
    assert (second.line, second.section, second.file) == (10, "Two", "a/b.py")


# --- docs/upgrades.md


UPGRADES = (ROOT / "docs" / "upgrades.md").read_text(encoding="utf-8")
DONE = re.compile(r"all \d+|-")


@pytest.mark.families("mysql", "mariadb")
def test_the_page_on_upgrades(checkout: Path, database: LiveDatabase) -> None:
    Plugin(database.url).activate()
    populate(database, conversations=1)
    shown = {str(parse_url(database.url)): "mysql://shop@db.example.com:3306/wordpress"}
    with Reader(checkout, typed={WORDPRESS: database.url}, shown=shown) as reader:
        for block in blocks_of(UPGRADES):
            reader.run(block)
    assert Plugin(database.url, migrations=checkout / "migrations").manager.status().version == "1.1.0"


def tried(command: str) -> list[list[str]]:
    """Return the rows of the table below a command."""
    table = UPGRADES.partition(f"    {command}\n\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def test_what_was_tried_is_all_there_is_and_all_converged() -> None:
    """The page's table has exactly the rows that the command prints."""
    heading, _, *rows = tried("python -m tests.support.convergence")
    assert heading[2:] == ["SQLite 3.40.1", "MariaDB 10.11.19", "MariaDB 11.8.6", "MySQL 9.7.4"]
    assert all(DONE.fullmatch(cell) for row in rows for cell in row[2:])
    command = [sys.executable, "-m", "tests.support.convergence", "--engines", "sqlite", "--every", "100000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = [row.split(" | ")[:2] for row in done.stdout.removeprefix("| ").split("\n| ")[2:]]
    assert [row[:2] for row in rows if row[1] != "server killed"] == found
