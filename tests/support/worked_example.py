"""The worked example of docs/next-migration.md, really run: change the models, wch new, plan, migrate, roll back.

    python -m tests.support.worked_example --rows 1000000 > docs/next-migration.md

It uses a copy of the checkout, and a new database on each server of WCH_TEST_SERVERS. The plan on the page is the last
server's. A test makes the page again with fewer rows, and compares all but sizes, times and SQLite's version.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.databases import LiveDatabase
from tests.support.engines import Engine, choose_engines

ROOT = Path(__file__).parents[2]
NAME = "message_channel"

#: file, what stands there, what is to stand there
EDITS = (
    (
        "models/tables.py",
        '    FAILED = "failed"\n\n\nclass Message(',
        '    FAILED = "failed"\n    DELETED = "deleted"\n\n\nclass Message(',
    ),
    ("models/tables.py", "    coupon_code = Varchar", "    coupon = Varchar"),
    (
        "models/tables.py",
        "    status = EnumField(MessageStatus, default=MessageStatus.SENT)\n",
        (
            "    status = EnumField(MessageStatus, default=MessageStatus.SENT)\n"
            '    channel = VarcharField(20, default="whatsapp")\n'
        ),
    ),
)
COMMANDS = {
    "new": ["new", NAME, "--rename", "carts.coupon_code:coupon"],
    "check": ["check", "--migrations", "migrations", "--quiet"],
    "plan": ["plan", "--quiet"],
    "rollback": ["rollback", f"002_{NAME}", "--allow-loss", "--allow-copy"],
}
#: Runs in the copy, and prints how many seconds each step took.
_TIMED = """
import json, sys, time
from wch_peewee import DatabaseManager
from wch_peewee.progress import StepStarted
marks = []
manager = DatabaseManager(sys.argv[1])
manager.on_progress = lambda event: marks.append(time.monotonic()) if isinstance(event, StepStarted) else None
manager.run_migrations()
marks.append(time.monotonic())
print(json.dumps([later - sooner for sooner, later in zip(marks, marks[1:])]))
"""


@dataclass(frozen=True, slots=True)
class Done:
    """The result on one server."""

    label: str
    plan: str
    steps: list[dict[str, Any]]
    seconds: list[float]
    rolled_back: str
    rollback_seconds: float


class Author:
    """A copy of the checkout, whose models are changed."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        for name in ("wch_peewee", "migrations"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, self.checkout / name, symlinks=True, ignore=ignored)
        for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, self.checkout / name)

    def edit(self) -> str:
        """Change the models and return the difference, which ``git apply`` takes."""
        lines: list[str] = []
        for name in dict.fromkeys(name for name, _, _ in EDITS):
            path = self.checkout / "wch_peewee" / name
            before = after = path.read_text(encoding="utf-8")
            for _, old, new in (edit for edit in EDITS if edit[0] == name):
                assert after.count(old) == 1, (name, old)
                after = after.replace(old, new)
            shown = f"wch_peewee/{name}"
            lines += difflib.unified_diff(
                before.splitlines(), after.splitlines(), f"a/{shown}", f"b/{shown}", n=2, lineterm=""
            )
            path.with_suffix(".after").write_text(after, encoding="utf-8")
        difference = "\n".join(lines)
        if shutil.which("git"):
            check = ["git", "apply", "--check", "-"]
            subprocess.run(check, cwd=self.checkout, input=difference + "\n", text=True, check=True)
        for path in self.checkout.rglob("*.after"):
            path.replace(path.with_suffix(".py"))
        return difference

    def wch(self, *words: str, url: str = "", code: int = 0, checkout: Path | None = None) -> str:
        return self.python("-m", "wch_peewee", *words, url=url, code=code, checkout=checkout)

    def python(self, *words: str, url: str = "", code: int = 0, checkout: Path | None = None) -> str:
        """Run Python in the copied checkout, or another, without the installed package and other settings."""
        place = checkout or self.checkout
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WCH_")}
        environment = kept | {"PYTHONPATH": str(place)} | ({"WCH_DATABASE_URL": url} if url else {})
        ended = subprocess.run(
            [sys.executable, *words], cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        if ended.returncode != code:
            raise AssertionError(f"{words} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
        return ended.stdout

    def written(self) -> str:
        return next(self.checkout.glob("migrations/002_*.py")).read_text(encoding="utf-8")


def upgrade(author: Author, database: LiveDatabase, label: str, rows: int) -> Done:
    """Install version 1.0.0 with messages, plan, migrate, check, and roll back; the older release has to be content."""
    fill(database, rows)
    plan = author.wch(*COMMANDS["plan"], url=database.url)
    steps = json.loads(author.wch("plan", "--format", "json", url=database.url))["steps"]
    seconds = json.loads(author.python("-c", _TIMED, database.url, url=database.url).splitlines()[-1])
    assert "No differences found" in author.wch("check", url=database.url)
    begun = time.monotonic()
    rolled_back = author.wch(*COMMANDS["rollback"], url=database.url)
    rollback_seconds = time.monotonic() - begun
    for command in ("status", "check"):
        author.wch(command, url=database.url, checkout=ROOT)
    return Done(label, plan, steps, seconds, rolled_back, rollback_seconds)


def fill(database: LiveDatabase, rows: int) -> None:
    """Install version 1.0.0 with ``rows`` messages in a thousand conversations."""
    from wch_peewee import DatabaseManager

    DatabaseManager(database.url).install()
    digits = "(" + " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10)) + ")"
    powers = range(len(str(rows - 1)))
    number = " + ".join(f"{10**power} * t{power}.d" for power in powers)
    source = f"SELECT {number} AS n FROM " + ", ".join(f"{digits} AS t{power}" for power in powers)
    moment = "'2030-01-01 00:00:00'"
    thousand = "SELECT 100 * a.d + 10 * b.d + c.d AS n FROM " + ", ".join(f"{digits} AS {name}" for name in "abc")
    database.execute(
        "INSERT INTO wp_wch_conversations SELECT n + 1, '+49', 'c', 'active', NULL, '{}', "
        f"{moment}, {moment}, {moment} FROM ({thousand}) AS numbers"
    )
    database.execute(
        "INSERT INTO wp_wch_messages (conversation_id, direction, message_type, wa_message_id, content, created_at) "
        f"SELECT 1 + MOD(n, 1000), 'inbound', 'text', CONCAT('wamid.', n), '{{\"text\": \"hello\"}}', {moment} "
        f"FROM ({source}) AS numbers WHERE n < {rows}"
    )
    database.execute("ANALYZE TABLE wp_wch_messages, wp_wch_conversations")


def page(difference: str, new: str, read: str, written: str, done: Sequence[Done], rows: int) -> str:
    shown = done[-1]
    return f"""# The next migration, from the model to the live table

Follow three changes from the models to live tables: messages get a column `channel`, a message can be `deleted`, and
`coupon_code` of carts is renamed to `coupon`. A program runs all of this on real servers and writes this page; a test
repeats it with fewer rows. [Write the next migration](migrations.md) explains each command. The first three sections
are for the author of a release, in a checkout. As an operator you get their result as a wheel; begin with
[read the plan](#read-the-plan).

    python -m tests.support.worked_example --rows {rows}

## Change the models

`git apply` accepts this difference. Before you rename a column, search the code for its name; here only the model has
it.

```diff
{difference}
```

## Write the migration

`wch new` never guesses a rename. On a terminal it asks; here the option `--rename` answers.

```console
$ wch {" ".join(COMMANDS["new"])}
{new.strip()}
```

The file:

```python
{written.strip()}
```

## Check the file

`wch check --migrations` needs no database. It reports what is dangerous on a live table, and a safe alternative:

```console
$ wch {" ".join(COMMANDS["check"])}
{read.strip()}
$ echo $?
1
```

If no other program uses the old name, allow the finding with a comment above that line:
`# wch: allow rename-column because PHP does not read it`.

## Read the plan

With {rows:,} messages on {shown.label}:

```console
$ wch {" ".join(COMMANDS["plan"])}
{shown.plan.strip()}
```

## Run it

`wch migrate` with {rows:,} messages: for each step the predicted algorithm and lock, and the measured seconds.

{_table(done)}

## Check that it worked

`wch check` prints "No differences found." The program that writes this page verifies that on each server.

## Roll back

Going back costs more than going forward. To remove a value from the enum, every server copies the table. For more than
100,000 messages the rollback is refused without `--allow-copy`, which [blocks writers](online.md#what-a-copy-blocks),
or `--online=pt-online-schema-change`, which does not. If a `channel` has another value than the default, that value
is lost, and `--allow-loss` is needed, too. `wch plan --rollback 002_{NAME}` shows both.

```console
$ wch {" ".join(COMMANDS["rollback"])}
...
{shown.rolled_back.strip()}
```

The seconds of the whole command with {rows:,} messages, on a machine that was busy with other work:

| {" | ".join(one.label for one in done)} |
|{" --- |" * len(done)}
| {" | ".join(f"{one.rollback_seconds:.2f} s" for one in done)} |

Then `wch status` and `wch check` of the older release end with exit code 0.
[Upgrade a live site](upgrade-a-site.md#roll-back) has the order of the steps.
"""


def _table(done: Sequence[Done]) -> str:
    numbers = range(1, len(done[0].seconds) + 1)
    lines = ["| step | " + " | ".join(one.label for one in done) + " |", "| --- |" + " --- |" * len(done)]
    for number in numbers:
        cells = []
        for one in done:
            mine = [step for step in one.steps if step["step"] == number]
            predicted = {
                ", ".join(word for word in (step["algorithm"], step["lock"]) if word)
                for step in mine
                if step["kind"] == "schema"
            }
            cells.append(f"{'; '.join(sorted(predicted)) or 'rows'}: {one.seconds[number - 1]:.2f} s")
        what = "; ".join(line for step in done[0].steps if step["step"] == number for line in step["operations"])
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def make(rows: int, engines: Sequence[Engine]) -> str:
    """Run the example on each server and return the page."""
    servers = [engine for engine in engines if engine.family != "sqlite"]
    with tempfile.TemporaryDirectory(prefix="wch-example-") as name:
        author = Author(Path(name))
        difference = author.edit()
        new = author.wch(*COMMANDS["new"])
        read = author.wch(*COMMANDS["check"], code=1)
        done = []
        for engine in servers:
            with engine.fresh(Path(name)) as database:
                done.append(upgrade(author, database, _label(database), rows))
        return page(difference, new, read, author.written(), done, rows)


def _label(database: LiveDatabase) -> str:
    from wch_peewee.database.query import detect_dialect

    connection = database.connect()
    try:
        return detect_dialect(connection).label
    finally:
        connection.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.worked_example", description="Print docs/next-migration.md."
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many messages there are  [1000000]")
    rows = parser.parse_args(arguments).rows
    sys.stdout.write(make(rows, choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), "")[0]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
