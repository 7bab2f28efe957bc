"""The layers hold: who may import whom, who may talk to the database, what a host pays for ``import wch_peewee``.

Imports are read from the sources, those inside functions and under TYPE_CHECKING included. A new module needs a row
in LAYERS: that is the moment to think about where it belongs.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import wch_peewee

ROOT = Path(__file__).resolve().parents[2]

# Lower layers first. A module may import its own layer and those above its row in this table, unless ONLY says less.
# A name that ends in a dot stands for the whole package.
LAYERS: list[tuple[str, list[str]]] = [
    ("words", ["errors", "enums", "schema.objects"]),
    ("names and versions", ["naming", "url", "migrations_folder", "wordpress.version", "wordpress.collation"]),
    (
        "changes as values",
        [
            "schema.operations",
            "schema.requirements",
            "schema.demands",
            "schema.query",
            "schema.statements",
            "schema.copies",
            "schema.forecast",
        ],
    ),
    ("comparison", ["schema.widening", "schema.diff_columns", "schema.diff"]),
    ("dialects", ["dialects."]),
    (
        "planning",
        [
            *("schema.plan", "schema.resolve", "schema.describe", "wordpress.dbdelta", "drift"),
            *("reports", "manager_reports"),
            *("schema.marks", "schema.mermaid", "schema.boxes", "schema.svg"),
        ],
    ),
    ("a site's wp-config.php", ["wordpress.config."]),
    ("settings", ["settings", "progress"]),
    (
        "models",
        [
            *("site", "inserting", "fetching", "queries", "metadata", "fields.", "base_model", "models"),
            "schema.desired",
        ],
    ),
    ("connections", ["driver", "database", "server"]),
    (
        "the two ends of the pipe",
        [
            "schema.asking",
            "schema.introspect",
            "schema.shapes",
            "schema.handing_over",
            "schema.apply",
            "schema.reconcile",
        ],
    ),
    ("tools of others", ["online."]),
    (
        "bookkeeping",
        [
            "migrate.lock",
            "migrate.lease",
            "migrate.sqlite_lock",
            "wordpress.options",
            "wordpress.options_table",
            "wordpress.sites",
            "glance",
        ],
    ),
    ("migrations", ["workspace", "opening", "migrate.", "standing", "orphans"]),
    ("what is said of migrations before they are shipped", ["lint", "lint."]),
    ("the host's caches", ["option_news", "wordpress.object_cache"]),
    (
        "the product",
        [
            "preflight",
            "replicas",
            "delta",
            "installation",
            "manager",
            "readings",
            "network",
            "doctor.",
            "hookspecs",
            "plugin",
            "hooks",
        ],
    ),
    ("authors", ["authoring."]),
    ("the faces", ["", "cli", "cli.", "__main__"]),
    ("the test kit", ["testing", "testing."]),
]

# Tighter than their layer: all that these may import of ours.
ONLY = {
    "errors": set(),
    "enums": set(),
    "naming": {"errors"},
    "migrations_folder": {"errors"},
    "wordpress.version": {"errors"},
    "wordpress.collation": set(),
    "schema.objects": set(),
    "schema.operations": {"schema.objects"},
    "schema.requirements": {"schema.objects"},
}

# Pure functions over frozen values: the standard library and nothing else from outside.
PURE = [
    "errors", "enums", "naming", "url", "migrations_folder", "wordpress.version", "reports", "manager_reports",
    "settings", "dialects.", "schema.query",
    "schema.objects", "schema.operations", "schema.requirements", "schema.demands", "schema.copies", "schema.forecast",
    "schema.statements", "schema.widening", "drift",
    "schema.diff_columns", "schema.diff", "schema.plan", "schema.resolve", "schema.describe", "schema.mermaid",
    "schema.marks", "schema.boxes", "schema.svg",
    "wordpress.dbdelta", "wordpress.collation", "authoring.arrange", "authoring.code",
    "authoring.column_recipes", "authoring.compare", "authoring.lines",
    "authoring.logical", "authoring.recipes", "authoring.render", "authoring.renames", "authoring.template",
    "authoring.values", "authoring.words",
]  # fmt: skip

# Libraries that a host does not pay for unless it asks, and the only ones who import them.
CONFINED = {
    "click": ["cli", "cli."],
    "rich": ["cli", "cli."],
    "peewee_migrate": ["migrate.", "testing.stock"],
    "pytest": ["testing.fixtures"],
    "tree_sitter": ["wordpress.config.syntax"],
    "tree_sitter_php": ["wordpress.config.syntax"],
}

# Who sends statements, and what for. Everybody else goes through these.
EXECUTES = {
    "schema.asking": "reads the schema",
    "schema.apply": "writes the schema",
    "database": "looks whether a file is a database when it opens one",
    "server": "asks for the version",
    "opening": "switches SQLite's foreign keys off and on around a rebuild",
    "migrate.lock": "takes and frees the lock",
    "migrate.lease": "takes, beats and frees the lease",
    "migrate.sqlite_lock": "looks for orphans before the commit",
    "migrate.batches": "runs a migration's data statements in batches",
    "migrate.steps.own": "runs a migration's own data statements",
    "wordpress.options": "reads and writes the version",
    "preflight": "asks whose account this is",
    "replicas": "asks replicas how far they are behind",
    "authoring.scratch": "makes and drops scratch databases",
    "orphans": "deletes or reattaches messages without a conversation",
    "installation": "counts the rows that uninstalling would take",
    "testing.places": "makes and drops scratch databases",
    "testing.saved": "puts a scratch database back to where it was",
    "testing.snapshots": "reads whole databases to compare them",
}


def sources(folder: str) -> dict[str, Path]:
    """Return the modules under a top-level folder by name; the package itself is the empty name."""
    found = {}
    for path in (ROOT / folder).rglob("*.py"):
        parts = path.relative_to(ROOT / folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = sources("wch_peewee")
MIGRATIONS = sources("migrations")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported(path: Path) -> set[str]:
    """Return the absolute names that a source imports; ours begin with ``wch_peewee``."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.relative_to(ROOT).parts[: -node.level]
                base = ".".join([*package, *([node.module] if node.module else [])])
            # `from . import name` can mean a module or something that the package defines.
            for alias in node.names:
                ours = f"{base}.{alias.name}".removeprefix("wch_peewee.") in MODULES
                found.add(f"{base}.{alias.name}" if ours and base.startswith("wch_peewee") else base)
    return found


def ours(path: Path) -> set[str]:
    return {
        name.removeprefix("wch_peewee").removeprefix(".")
        for name in imported(path)
        if name.partition(".")[0] == "wch_peewee"
    }


def foreign(path: Path) -> set[str]:
    tops = {name.partition(".")[0] for name in imported(path)}
    return tops - set(sys.stdlib_module_names) - {"wch_peewee"}


def matches(module: str, patterns: list[str]) -> bool:
    return any(
        module == pattern or (pattern.endswith(".") and f"{module}.".startswith(pattern)) for pattern in patterns
    )


def layer(module: str) -> int | None:
    """Return the module's row; the longest name that covers it wins."""
    rows = [
        (len(pattern), row)
        for row, (_, patterns) in enumerate(LAYERS)
        for pattern in patterns
        if matches(module, [pattern])
    ]
    return max(rows)[1] if rows else None


def is_bare_package(module: str) -> bool:
    """An __init__.py that only makes a folder a package belongs to no layer."""
    path = MODULES[module]
    return path.name == "__init__.py" and module != "" and not imported(path)


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each method that is called, with its line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, node.func.attr


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_its_own_layer_and_lower_ones(module: str) -> None:
    if is_bare_package(module):
        return
    mine = layer(module)
    assert mine is not None, f"{module} has no row in LAYERS"
    for name in ours(MODULES[module]):
        if name in MODULES and is_bare_package(name):
            continue
        other = layer(name)
        assert other is not None, f"{module} imports {name}, which has no row in LAYERS"
        assert other <= mine, f"{module} ({LAYERS[mine][0]}) imports {name} ({LAYERS[other][0]}): that is upwards"


@pytest.mark.parametrize("module", sorted(ONLY))
def test_the_lowest_modules_import_next_to_nothing(module: str) -> None:
    assert ours(MODULES[module]) <= ONLY[module]


def test_every_row_names_a_module_that_exists() -> None:
    packages = {f"{name.rpartition('.')[0]}." for name in MODULES}
    patterns = [pattern for _, names in LAYERS for pattern in names] + PURE + [*ONLY, *EXECUTES]
    # The command may be one file or a package.
    patterns = [pattern for pattern in patterns if pattern.strip(".") != "cli"]
    assert [pattern for pattern in patterns if pattern not in MODULES and pattern not in packages] == []
    assert "cli" in MODULES


def test_nothing_imports_itself_in_a_circle() -> None:
    edges = {module: {name for name in ours(path) if name in MODULES} for module, path in MODULES.items()}
    while free := {module for module, names in edges.items() if not names & edges.keys() - {module}}:
        edges = {module: names for module, names in edges.items() if module not in free}
    assert edges == {}


@pytest.mark.parametrize("module", sorted(module for module in MODULES if matches(module, PURE)))
def test_pure_modules_use_the_standard_library_only(module: str) -> None:
    assert foreign(MODULES[module]) == set()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_heavy_libraries_stay_where_they_belong(module: str) -> None:
    used = foreign(MODULES[module])
    assert {library for library in used & CONFINED.keys() if not matches(module, CONFINED[library])} == set()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_only_the_ends_of_the_pipe_send_statements(module: str) -> None:
    sent = [line for line, name in calls(MODULES[module]) if name in ("execute_sql", "executemany", "executescript")]
    assert module in EXECUTES or sent == [], f"{MODULES[module].name} sends statements in lines {sent}"


@pytest.mark.parametrize("module", sorted(module for module in MODULES if matches(module, ["dialects."])))
def test_a_dialect_never_executes(module: str) -> None:
    forbidden = {"execute", "execute_sql", "executemany", "executescript", "cursor", "connect", "connection"}
    assert [(line, name) for line, name in calls(MODULES[module]) if name in forbidden] == []


@pytest.mark.parametrize("migration", sorted(MIGRATIONS))
def test_a_migration_carries_its_own_shape(migration: str) -> None:
    """Live models change; what a shipped migration did must not."""
    allowed = ["migrate.", "schema.objects"]
    assert [name for name in ours(MIGRATIONS[migration]) if not matches(name, allowed)] == []
    assert foreign(MIGRATIONS[migration]) <= {"peewee", "peewee_migrate"}


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
