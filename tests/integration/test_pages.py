"""The examples of the pages run, and their tables are those of the code (tests/support/page_examples.py)."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.accounts import account
from tests.support.command import commands_of
from tests.support.databases import LiveDatabase
from tests.support.page_examples import ROOT, Block, Reader, blocks_of, copy_sources, installed_checkout
from tests.support.populate import populate
from tests.support.terminal import terminal_picture
from wch_peewee import Plugin
from wch_peewee.cli.app import wch
from wch_peewee.database.query import SUPPORTED
from wch_peewee.database.url import parse_url
from wch_peewee.install.doctor import diagnose
from wch_peewee.install.manager import DatabaseManager
from wch_peewee.install.privileges import REMOVAL, UPGRADE
from wch_peewee.models.fields.documents import MAX_DEPTH
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.statements import COPY_RULE

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: Pages whose blocks are run from top to bottom, each in a checkout of its own. upgrades.md wants a server, see below.
PAGES = {
    page.stem: blocks_of(page.read_text(encoding="utf-8"))
    for page in (
        ROOT / "README.md",
        *(DOCS / f"{name}.md" for name in ("start-sqlite", "start-wordpress", "start-service", "multisite", "php")),
        *(DOCS / f"{name}.md" for name in ("ownership", "migrations", "json", "daily-jobs")),
    )
}
SHOP = "sqlite:///shop.db"
WORDPRESS = "mysql://shop:secret@db.example.com/wordpress"
INSTALL = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/wch activate"


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def cells(text: str, heading: str) -> list[list[str]]:
    """Return the rows of a page's table whose first heading is ``heading``."""
    table = text.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed_checkout(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def checkout(installed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(installed, tmp_path / "checkout", symlinks=True))


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    for blocks in PAGES.values():
        # PHP is run in WordPress, by test_wordpress_jobs.py.
        assert {block.language for block in blocks} <= {"sh", "console", "python", "sql", "php"}
    assert README.count("\n```") == 2 * len(PAGES["README"])
    assert [block.section for block in PAGES["ownership"] if block.language == "sql"] == ["Privileges"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_top_to_bottom(name: str, checkout: Path) -> None:
    with Reader(checkout, typed={WORDPRESS: "sqlite:///wordpress.db"}) as reader:
        if name == "README":
            reader.command(".venv/bin/wch activate")  # what is left of the first command when pip is through
        for block in PAGES[name]:
            if block.language in ("console", "python"):
                reader.run(block)


@pytest.mark.parametrize("name", ["README", "start-service", "multisite", "php", "migrations", "daily-jobs"])
def test_the_python_and_the_migrations_on_every_engine(name: str, checkout: Path, database: LiveDatabase) -> None:
    shown = {database.url: SHOP, str(parse_url(database.url)): SHOP, database.name: "shop.db"}
    with Reader(checkout, typed={SHOP: database.url, WORDPRESS: database.url}, shown=shown) as reader:
        for block in PAGES[name]:
            # The output of other commands is SQLite's.
            if block.language == "python" or (block.language == "console" and name == "migrations"):
                reader.run(block)


@pytest.mark.families("mysql")
def test_the_picture_of_a_terminal_is_what_the_commands_print(checkout: Path, database: LiveDatabase) -> None:
    if not str(database.execute("SELECT VERSION()")[0][0]).startswith("9."):
        pytest.skip("the picture shows MySQL 9")
    drawn, kept = terminal_picture(checkout, database.url), (DOCS / "terminal.svg").read_text(encoding="utf-8")
    rate = re.compile(r"\d+ a second")
    assert rate.sub("", drawn) == rate.sub("", kept)


def test_commands_that_are_shown_and_not_run_are_there() -> None:
    lines = [
        line
        for path in (ROOT / "README.md", *DOCS.glob("*.md"))
        for block in blocks_of(path.read_text(encoding="utf-8"))
        for line in (block.text.splitlines() if block.language == "sh" else ())
        if line.startswith("wch ")
    ]
    assert len(lines) > 10
    shared = {option for parameter in wch.params for option in parameter.opts}
    for line in lines:
        command = commands_of(wch)[shlex.split(line)[1]]
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", line.partition("#")[0])) <= shared | options, line


@pytest.mark.families("mysql", "mariadb")
def test_the_privileges_are_enough(database: LiveDatabase) -> None:
    (grant,) = (block.text for block in PAGES["ownership"] if block.language == "sql")
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
    first, *_ = (block for block in PAGES["README"] if block.language == "sh")
    assert first.text.splitlines() == [INSTALL, "tests/run"]
    assert os.access(ROOT / "tests" / "run", os.X_OK)


@pytest.mark.slow
def test_the_first_command_on_a_fresh_machine(tmp_path: Path) -> None:
    where = "import wch_peewee; print(wch_peewee.__file__)"
    with Reader(copy_sources(tmp_path), typed={}) as reader:
        del reader.environment["PYTHONPATH"]  # what is installed has to do, not what lies beside it
        said = reader.command(INSTALL)
        assert said.endswith("Success: Installed version 1.0.0.\n"), said
        reader.run(next(block for block in PAGES["README"] if block.language == "console"))
        assert reader.command(f".venv/bin/python -I -c '{where}'").startswith(str(tmp_path / ".venv"))


def test_the_developing_commands_name_what_is_there() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    lines = [line.partition("#")[0] for line in contributing.splitlines() if "tests/run" in line]
    known = (ROOT / "tests/run").read_text() + (ROOT / "conftest.py").read_text()
    words = {word for line in lines for word in re.findall(r"--\w+|WCH_\w+", line)}
    assert len(words) >= 4
    assert [word for word in words if word not in known] == []


def test_the_links_lead_somewhere() -> None:
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")):
        prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", prose):
            file, _, anchor = link.partition("#")
            if "://" not in link:
                there = path.parent / file if file else path
                assert there.exists(), f"{path.name}: {link}"
                assert not anchor or anchor in anchors(there), f"{path.name}: {link}"


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as repository hosts make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_pages_are_all_in_the_table_of_contents() -> None:
    listed = re.findall(r"^([a-z-]+)$", page("index"), re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in DOCS.glob("*.md") if path.stem != "index")


def test_the_sizes_of_large_tables_are_those_of_the_code() -> None:
    said = (f"{COPY_RULE.rows:,} rows", f"{COPY_RULE.bytes // 2**20} MiB")
    assert [[words in page(name) for words in said] for name in ("commands", "online")] == [[True, True]] * 2


def test_commands_named_in_passing_are_there() -> None:
    for path in (ROOT / "README.md", *DOCS.glob("*.md")):
        assert set(re.findall(r"`wch (\w+)", path.read_text(encoding="utf-8"))) <= {*commands_of(wch), "help"}


def test_the_environment_is_what_the_code_reads() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "wch_peewee").rglob("*.py"))
    documented = [quoted(name)[0] for name, _, _ in cells(page("settings"), "environment")]
    read = set(re.findall(r"\bWCH_[A-Z_]+\b", source))
    for_tests = {name for name in read if name.startswith("WCH_TEST_")}
    assert set(documented) == read - for_tests
    assert all(name in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8") for name in for_tests)


def test_the_limits_are_those_of_the_code() -> None:
    assert f"JSON: {MAX_DEPTH} levels" in page("limits")
    our_names("p" * 41)
    with pytest.raises(Exception, match="too long"):
        our_names("p" * 42)
    assert "underscores, 41 characters at most" in page("limits")
    plugin = inspect.signature(Plugin)
    assert plugin.parameters["verify_every"].default == 600
    assert plugin.parameters["retry_after"].default == 60
    assert f"`--timeout` seconds ({DatabaseManager(SHOP).options.patience:g})" in page("upgrade-a-site")


def test_the_engines_are_those_of_the_code() -> None:
    for engine in SUPPORTED.split(", "):
        assert f"{engine} (" in README
        assert f"{engine} (" in page("limits")


def test_a_block_knows_its_place() -> None:
    page = "# One\n\n```sh\n# no heading\n```\n\n## Two\n\n```python\n# a/b.py\nx = 1\n```\n"
    first, second = blocks_of(page)
    assert first == Block("sh", "# no heading\n", 4, "One")
    assert (second.line, second.section, second.file) == (10, "Two", "a/b.py")


# --- docs/upgrades.md


UPGRADES = page("upgrades")
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
    assert heading[2:] == ["SQLite 3.40.1", "MariaDB 10.11.19", "MariaDB 11.8.9", "MySQL 9.7.4"]
    assert all(DONE.fullmatch(cell) for row in rows for cell in row[2:])
    command = [sys.executable, "-m", "tests.support.convergence", "--engines", "sqlite", "--every", "100000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = [row.split(" | ")[:2] for row in done.stdout.removeprefix("| ").split("\n| ")[2:]]
    assert [row[:2] for row in rows if row[1] != "server killed"] == found
