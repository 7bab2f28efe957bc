"""A migration's source, as ``ruff format`` keeps it."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

from ..models.namespace import WCH
from ..schema import operations as ops
from ..schema.naming import Namespace
from .source import WIDTH, Line, Mark, StepLine, Text, constant_name, escaped, layout, source_of

_OBJECTS = (
    "Column", "ColumnType", "Default", "ForeignKey", "Index", "Table", "bigint", "boolean", "column_type", "datetime",
    "enum", "integer", "json", "text", "varchar",
)  # fmt: skip
_SIGNATURE = "(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:"


@dataclass(slots=True)
class Draft:
    """The content of a migration; ``previous`` is the version that the rollback sets, None for the first migration.

    The tables that it creates or drops are constants.
    """

    version: str
    previous: str | None
    summary: tuple[str, ...]
    forward: tuple[Line, ...]
    back: tuple[Line, ...]
    #: What the rollback's docstring says; empty for none.
    caution: str = ""
    namespace: Namespace = WCH

    @property
    def questions(self) -> int:
        """The number of questions that the draft leaves to its author."""
        return sum(isinstance(line, Mark) for line in self.forward)

    def source(self) -> str:
        """Return the source of the file."""
        previous = "None" if self.previous is None else Text(self.previous)
        migrate = _function("migrate", (*self.forward, StepLine("steps.stamp", ("VERSION",))))
        rollback = _function("rollback", (*self.back, StepLine("steps.unstamp", (previous,))), self.caution)
        steps = (line for line in (*self.forward, *self.back) if isinstance(line, StepLine))
        tables = {constant_name(table): source_of(table) for step in steps for table in step.tables}
        constants = [f"{name} = {layout(code, used=len(name) + 3)}" for name, code in tables.items()]
        body = "\n\n".join([_facts(self.version, self.namespace), *constants])
        code = f"{body}\n\n\n{migrate}\n\n{rollback}"
        return f"{self._docstring()}\n\n{_imports(code)}\n\n{code}"

    def _docstring(self) -> str:
        pieces = [_in_docstring(piece) for piece in self.summary]
        line = f'"""Version {self.version}: {"; ".join(pieces)}."""'
        if len(line) <= WIDTH:
            return line
        points = "\n".join(
            fill(f"- {piece}", WIDTH, subsequent_indent="  ", break_long_words=False) for piece in pieces
        )
        return f'"""Version {self.version}.\n\n{points}\n"""'


def _function(name: str, lines: Sequence[Line], docstring: str = "") -> str:
    said = fill(f'"""{_in_docstring(docstring)}"""', WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    body = [said.replace("\n", "\n    ")] if docstring else []
    body += [layout(line.code(), indent=4) for line in lines]
    return f"def {name}{_SIGNATURE}\n" + "".join(f"    {line}\n" for line in body)


def _facts(version: str, namespace: Namespace) -> str:
    """Return what the file says of itself: its version, and whose it is unless it is one of ours."""
    return f'VERSION = "{version}"' + ("" if namespace == WCH else f'\nNAMESPACE = "{namespace.name}"')


def _in_docstring(text: str) -> str:
    return escaped(text, "\\").replace('"""', r"\"\"\"")


def _imports(code: str) -> str:
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    modules = ", ".join(module for module in ("batches", "steps") if module in used)
    named = [name for name in _OBJECTS if name in used]
    lines = [
        "import peewee as pw",
        "from peewee_migrate import Migrator",
        "",
        f"from wch_peewee.migrate import {modules}",
    ]
    if named:
        one = f"from wch_peewee.schema.objects import {', '.join(named)}"
        each = "".join(f"    {name},\n" for name in named)
        lines.append(one if len(one) <= WIDTH else f"from wch_peewee.schema.objects import (\n{each})")
    return "\n".join(lines)


_EXAMPLE = (
    "change the rows here in batches that skip what is done: migrator.run(batches.run_in_batches, database, "
    '"messages", "UPDATE {messages} SET content = ? WHERE content IS NULL AND {batch}", "{}", '
    'remaining="content IS NULL"); if the previous version cannot read the rows, restore them in rollback(), or say '
    "why not with steps.irreversible"
)


def empty_migration(version: str, previous: str | None, namespace: Namespace) -> str:
    """Return the source of a migration whose steps are still to be written."""
    return Draft(
        version, previous, ("describe the change of rows here",), (Mark(_EXAMPLE),), (), "", namespace
    ).source()


def summary(operations: Sequence[ops.Operation]) -> tuple[str, ...]:
    """Return what changes, one phrase each."""
    return tuple(dict.fromkeys(line for operation in operations for line in operation.describe()))


def caution(operations: Sequence[ops.Operation]) -> str:
    """Return, for the rollback's docstring, what it does not restore and what it removes, or an empty text."""
    lost = [f"{o.table}.{o.column}" for o in operations if isinstance(o, ops.DropColumn)]
    lost += [f"the table {o.table}" for o in operations if isinstance(o, ops.DropTable)]
    made = [o.table for o in operations if isinstance(o, ops.CreateTable)]
    said = f"Restore the tables, but not the values of {', '.join(lost)}, which are lost." if lost else ""
    rows = f"Delete the rows of {', '.join(made)}." if made else ""
    return " ".join(part for part in (said, rows) if part)
