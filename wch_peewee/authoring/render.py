"""A migration's source, formatted as by ruff."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import fill

from ..models.namespace import WCH
from ..schema import operations as ops
from ..schema.naming import Namespace
from ..schema.objects import Column, Index
from ..schema.renames import ChangePrimaryKey
from .source import WIDTH, Call, Expression, Items, Line, Mark, Shape, StepLine, Text, escaped, flat, layout

_OBJECTS = (
    "Column", "ColumnType", "Default", "ForeignKey", "Index", "Table", "bigint", "boolean", "column_type", "datetime",
    "enum", "integer", "json", "text", "varchar",
)  # fmt: skip
_SIGNATURE = "(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:"


@dataclass(slots=True)
class Draft:
    """The content of a migration; ``previous`` is the version that the rollback sets, None for the first migration.

    A definition that is used twice, or does not fit a line, becomes a constant; others stand where they are used.
    """

    version: str
    previous: str | None
    summary: tuple[str, ...]
    forward: tuple[Line, ...]
    back: tuple[Line, ...]
    #: What the rollback's docstring says; empty for none.
    caution: str = ""
    namespace: Namespace = WCH
    _constants: dict[str, tuple[str, Expression]] = field(default_factory=dict, init=False)

    def source(self) -> str:
        """Return the source of the file."""
        self._constants = self._hoisted()
        migrate = self._function("migrate", self.forward, Call("migrator.run", ("steps.stamp", "database", "VERSION")))
        previous = "None" if self.previous is None else Text(self.previous)
        unstamp = Call("migrator.run", ("steps.unstamp", "database", previous))
        rollback = self._function("rollback", self.back, unstamp, self.caution)
        constants = [
            f"{name} = {layout(code, indent=0, used=len(name) + 3)}" for name, code in self._constants.values()
        ]
        short = "\n".join(constant for constant in constants if "\n" not in constant)
        long = [constant for constant in constants if "\n" in constant]
        body = "\n\n".join(part for part in (_facts(self.version, self.namespace), short, *long) if part)
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

    def _hoisted(self) -> dict[str, tuple[str, Expression]]:
        """Return the constants, by the source of their values: {source: (name, source)}."""
        shapes = [shape for line in (*self.forward, *self.back) for shape in _shapes(line)]
        uses = Counter(flat(shape.code) for shape in shapes)
        found: dict[str, tuple[str, Expression]] = {}
        for line in (*self.forward, *self.back):
            long = isinstance(line, StepLine) and 4 + len(flat(_call(line, {}))) > WIDTH
            for shape in _shapes(line):
                written = flat(shape.code)
                if written not in found and (long or shape.listed or uses[written] > 1):
                    table = next((a.value for a in getattr(line, "arguments", ()) if isinstance(a, Text)), "")
                    found[written] = (_free(shape.name, table, {name for name, _ in found.values()}), shape.code)
        return found

    def _function(self, name: str, lines: Sequence[Line], last: Call, docstring: str = "") -> str:
        said = fill(f'"""{_in_docstring(docstring)}"""', WIDTH - 4, break_long_words=False, break_on_hyphens=False)
        body = [said.replace("\n", "\n    ")] if docstring else []
        for line in lines:
            if isinstance(line, Mark):
                call = Call("steps.decide", (Text(f"{line.question}; then remove this line"),))
            else:
                call = _call(line, self._constants)
            body.append(layout(call, indent=4))
        body.append(layout(last, indent=4))
        return f"def {name}{_SIGNATURE}\n" + "".join(f"    {line}\n" for line in body)


def _facts(version: str, namespace: Namespace) -> str:
    """Return what the file says of itself: its version, and whose it is unless it is one of ours."""
    return f'VERSION = "{version}"' + ("" if namespace == WCH else f'\nNAMESPACE = "{namespace.name}"')


def _in_docstring(text: str) -> str:
    return escaped(text, "\\").replace('"""', r"\"\"\"")


def _call(line: StepLine, constants: dict[str, tuple[str, Expression]]) -> Call:
    listed: list[Expression] = []
    arguments: list[Expression] = []
    for argument in line.arguments:
        if isinstance(argument, Shape):
            name, code = constants.get(flat(argument.code), ("", argument.code))
            (listed if argument.listed else arguments).append(name or code)
        else:
            arguments.append(argument)
    together = (Items(tuple(listed)),) if listed else ()
    return Call("migrator.run", (line.function, "database", *together, *arguments))


def _shapes(line: Line) -> Iterator[Shape]:
    if isinstance(line, StepLine):
        yield from (argument for argument in line.arguments if isinstance(argument, Shape))


def _free(name: str, table: str, taken: set[str]) -> str:
    candidates = [name, f"{table.upper()}_{name}" if table else name]
    candidates += [f"{candidates[-1]}_{number}" for number in range(2, 1000)]
    taken = taken | {"VERSION", "NAMESPACE"}
    # A column may be called as no constant can be.
    names = (re.sub(r"\W", "_", candidate, flags=re.ASCII) for candidate in candidates)
    return next(c for c in (name if name.isidentifier() else f"_{name}" for name in names) if c not in taken)


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


_TEMPLATE = '''\
"""Version {version}: describe the change of rows here."""

import peewee as pw
from peewee_migrate import Migrator

from wch_peewee.migrate import batches, steps

{facts}

# An example, in batches of ids. It skips the rows that it has already changed, so it can be repeated.
UPDATE = "UPDATE {{messages}} SET content = ? WHERE content IS NULL AND {{batch}}"


def migrate(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    steps.decide("replace the example with your change; then remove this line")
    migrator.run(batches.run_in_batches, database, "messages", UPDATE, "{{}}", remaining="content IS NULL")
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    # If the previous version can read the changed rows, leave them. If it cannot, and they cannot be restored, write
    # migrator.run(steps.irreversible, database, "why").
    migrator.run(steps.unstamp, database, {previous})
'''


def empty_migration(version: str, previous: str | None, namespace: Namespace) -> str:
    before = "None" if previous is None else f'"{previous}"'
    return _TEMPLATE.format(version=version, previous=before, facts=_facts(version, namespace))


def summary(operations: Sequence[ops.Operation]) -> tuple[str, ...]:
    """Return what changes, one phrase each; columns that are added or dropped together share one."""
    pieces: dict[str, None] = {}
    for operation in operations:
        for piece in _words(operation, operations):
            pieces[piece] = None
    return tuple(pieces)


def caution(operations: Sequence[ops.Operation]) -> str:
    """Return, for the rollback's docstring, what it does not restore and what it removes, or an empty text."""
    lost = [f"{o.table}.{o.column}" for o in operations if isinstance(o, ops.DropColumn)]
    lost += [f"the table {o.table}" for o in operations if isinstance(o, ops.DropTable)]
    made = [o.table for o in operations if isinstance(o, ops.CreateTable)]
    said = f"Restore the tables, but not the values of {_few(lost, 'more')}, which are lost." if lost else ""
    rows = f"Delete the rows of {_few(made, 'more tables')}." if made else ""
    return " ".join(part for part in (said, rows) if part)


def _few(names: Sequence[str], more: str) -> str:
    return _listed(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} {more}"


def _words(operation: ops.Operation, operations: Sequence[ops.Operation]) -> Iterator[str]:
    table = operation.table
    match operation:
        case ops.CreateTable():
            yield f"Create table {table}"
        case ops.DropTable():
            yield f"Drop table {table}"
        case ops.AddColumn():
            added = (o.column.name for o in operations if isinstance(o, ops.AddColumn) and o.table == table)
            yield f"Add {_listed(f'{table}.{name}' for name in added)}"
        case ops.DropColumn():
            gone = (o.column for o in operations if isinstance(o, ops.DropColumn) and o.table == table)
            yield f"Drop {_listed(f'{table}.{name}' for name in gone)}"
        case ops.RenameColumn(old=old, new=new):
            yield f"Rename {table}.{old} to {new}"
        case ops.ModifyColumn(was=was, column=column):
            yield f"Change {table}.{column.name}: {', '.join(_differences(was, column))}"
        case ops.AddIndex(index=index):
            yield f"Add {_index(index)} on {table} ({', '.join(index.columns)})"
        case ops.RenameIndex(index=index, new=new):
            yield f"Rename index {index.name} of {table} to {new}"
        case ops.DropIndex(index=name):
            yield f"Drop index {name} of {table}"
        case ops.AddForeignKey(foreign_key=key):
            yield f"Add foreign key {table} ({', '.join(key.columns)}) to {key.referenced_table}"
        case ops.DropForeignKey(foreign_key=key):
            yield f"Drop foreign key {table} ({', '.join(key.columns)})"
        case ChangePrimaryKey(now=now):
            yield f"Change primary key of {table} to ({', '.join(now)})"


def _differences(was: Column, now: Column) -> Iterator[str]:
    if was.type.name == now.type.name == "enum":
        new = [repr(value) for value in now.type.values if value not in was.type.values]
        gone = [repr(value) for value in was.type.values if value not in now.type.values]
        if new:
            yield f"allow {_listed(new)}"
        if gone:
            yield f"remove {_listed(gone)}"
        if not new and not gone and was.type != now.type:
            yield "reorder values"
    elif was.type != now.type:
        yield f"type {now.type}"
    if was.nullable != now.nullable:
        yield "NULL" if now.nullable else "NOT NULL"
    if was.default != now.default:
        yield f"default {now.default}" if now.default is not None else "no default"


def _index(index: Index) -> str:
    return "unique index" if index.unique else "index"


def _listed(words: Iterable[str]) -> str:
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last
