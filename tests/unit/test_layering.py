"""The house rules that a machine can check: no import runs up, and few files send statements.

The layers are declared in setup.cfg, where import-linter reads them.
"""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

from importlinter.cli import lint_imports

import wch_peewee

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "wch_peewee"

# The files that send statements, and what for. Everything else goes through these.
SENDS = {
    "authoring/scratch.py": "creates and drops scratch databases",
    "database/connect.py": "checks whether a file is a database when it opens one",
    "database/session.py": "sets a session, reads back what it is set to, and puts it back",
    "database/query.py": "asks for the version; reads the schema",
    "execution/apply.py": "writes the schema: the only file that sends DDL",
    "execution/lease.py": "takes, renews and frees the lease",
    "execution/lock.py": "takes and frees the lock; looks for orphans before the commit",
    "execution/replicas.py": "asks replicas how far they are behind",
    "execution/session.py": "switches SQLite's foreign keys off and on around a rebuild",
    "install/orphans.py": "deletes or reattaches messages without a conversation",
    "migrate/batches.py": "runs a migration's own data statements, in batches or as they are",
    "models/prepared.py": "sends the daily jobs' statements whose text has been rendered before",
    "models/strict.py": "makes a session of the application's own strict for one write",
    "testing/scratch.py": "creates, restores and drops scratch databases",
    "testing/snapshots.py": "reads whole databases to compare them",
    "wordpress/options.py": "reads and writes the version",
    "migrate/ledger.py": "appends to the ledger",
}


def test_no_import_runs_up() -> None:
    assert lint_imports(config_filename=str(ROOT / "setup.cfg"), cache_dir=None) == 0


def test_only_these_files_send_statements() -> None:
    sent = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in ("execute_sql", "executemany", "executescript")
    }
    assert sent == SENDS.keys()


def test_migrations_carry_their_own_shape() -> None:
    """Live models change; what a shipped migration did must not."""
    used = {
        node.module
        for path in (ROOT / "migrations").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("wch_peewee")
    }
    assert used <= {"wch_peewee.migrate", "wch_peewee.migrate.pw_migrate", "wch_peewee.schema.objects"}


def test_public_names_are_those_of_all() -> None:
    names = wch_peewee.__all__
    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if not hasattr(wch_peewee, name)] == []
    submodules = {name for name, value in vars(wch_peewee).items() if isinstance(value, ModuleType)}
    public = {name for name in dir(wch_peewee) if not name.startswith("_")} - submodules - {"annotations"}
    assert public == {name for name in names if not name.startswith("_")}


def test_the_public_face_is_all_there() -> None:
    promised = {
        "Plugin", "DatabaseManager", "WCH_Database_Manager", "db_delta", "BaseModel", "Conversation", "Message", "Cart",
        "CustomerProfile", "BroadcastCampaign", "SyncQueueItem", "WchError",
    }  # fmt: skip
    assert promised <= set(wch_peewee.__all__)
