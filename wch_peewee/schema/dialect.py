"""The interface of an engine's dialect: what to ask, how to read the answers, how to render a change."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .base import BaseDialect, Query, Rows
from .objects import Schema, Table
from .operations import Operation
from .preconditions import Precondition, count_query, rows_query
from .statements import Effect, Step


@dataclass(frozen=True, slots=True)
class Cluster:
    """Of what the server is a part, as far as it matters for locks.

    ``shared_writes``: every node takes writes and a named lock holds on one node only, so a lease is needed.
    ``trouble`` says in words why nothing may be run here at all.
    """

    shared_writes: bool = False
    trouble: str = ""


class Dialect(BaseDialect):
    """One engine in one version."""

    #: ``sqlite``, ``mysql`` or ``mariadb``
    name: str
    #: as reported by the engine, e.g. ``(10, 11, 19)``
    version: tuple[int, ...]
    #: the oldest version that is known to work, for the message
    oldest: str
    #: Can DDL be rolled back? Then a whole run is one transaction.
    transactional_ddl: bool
    #: Can the type of a column change while a foreign key is on it or refers to it?
    retypes_foreign_keys: bool
    #: Does a new column always come last?
    appends_columns: bool
    #: the operator that compares NULLs as equal
    null_safe_equal: str
    #: what at the end of a SELECT locks its rows until the transaction ends
    locking_read: str

    @property
    def label(self) -> str:
        """The engine and its version, for people: ``MariaDB 10.11.19``."""
        names = {"sqlite": "SQLite", "mysql": "MySQL", "mariadb": "MariaDB"}
        return f"{names[self.name]} {'.'.join(map(str, self.version))}"

    @abstractmethod
    def index_name(self, table: str, index: str) -> str:
        """Name an index: plain where it belongs to its table, with the table's name where it is unique per file."""

    @abstractmethod
    def adapt(self, table: Table) -> Table:
        """Bring a declared table to what this engine can hold, so that it compares equal to what comes back."""

    @abstractmethod
    def obstacles(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        """Say in words why ``operations`` on the live ``table`` would lose what is not ours; empty when nothing."""

    @abstractmethod
    def introspection(self, names: Sequence[str], *, for_columns: bool = False) -> dict[str, Query]:
        """Return the queries for everything about the tables ``names``, by what they ask for; one is ``tables``.

        With ``for_columns`` they are those that a change of columns needs.
        """

    @abstractmethod
    def read_schema(self, names: Sequence[str], answers: Mapping[str, Rows]) -> Schema:
        """Return the tables that exist, from the answers to ``introspection(names)``."""

    @abstractmethod
    def folded(self, table: str) -> str:
        """Return what two names of tables have in common when they name the same one."""

    @abstractmethod
    def all_tables(self) -> Query:
        """Ask for the names of all tables and views of the database, cheaply."""

    @abstractmethod
    def all_triggers(self) -> Query:
        """Ask for all triggers of the database: table and name."""

    @abstractmethod
    def definition(self, name: str) -> Query | None:
        """Ask cheaply for a table's text, in the second column; None where introspection is as cheap.

        Tables with the same text, but for names and counters, differ in nothing but their triggers.
        """

    @abstractmethod
    def referencing(self, names: Sequence[str]) -> Query:
        """Ask which other tables have a foreign key to one of ``names``."""

    @abstractmethod
    def read_referencing(self, names: Sequence[str], rows: Rows) -> tuple[str, ...]:
        """Turn the answer to ``referencing(names)`` into the names of those other tables, sorted."""

    def count_conflicts(self, precondition: Precondition) -> Query:
        """Return the query for the number of rows that conflict with ``precondition``; zero means that it holds."""
        return count_query(precondition, self)

    def select_conflicts(self, precondition: Precondition) -> str:
        """Return the SELECT that shows those rows."""
        return rows_query(precondition, self)

    @abstractmethod
    def render(self, table: Table | None, operations: Sequence[Operation]) -> tuple[Step, ...]:
        """Render ``operations`` on ``table`` as it is now (None: not there) in as few steps as keep each cheap."""

    @abstractmethod
    def effect(self, step: Step) -> Effect:
        """Say what a rendered step means for those who use the table meanwhile."""

    @abstractmethod
    def sizes(self, names: Sequence[str]) -> tuple[Query, ...]:
        """Ask how large tables are: name, rows and bytes, by the server's own estimate; some of it gives no rows."""

    @abstractmethod
    def hex_of(self, expression: str) -> str:
        """Write a text as the hexadecimal digits of its UTF-8, which a UNION takes whatever collations it meets."""

    @abstractmethod
    def collation_of(self, expression: str) -> str:
        """Write the collation of a text as an expression; NULL where the engine has none of its own."""

    @abstractmethod
    def column_collation(self, table: str, column: str) -> Query | None:
        """Ask for the collation of one column; None where the engine has none of its own."""

    @abstractmethod
    def privileges(self) -> tuple[Query, ...]:
        """Ask what the account may do in this database; empty where there are no accounts."""

    @abstractmethod
    def read_privileges(self, answers: Sequence[Rows]) -> frozenset[str] | None:
        """Turn the answers into privilege names; None when they cannot be told."""

    @abstractmethod
    def cluster(self, answers: Sequence[Rows]) -> Query | None:
        """Ask whether the server is one of several, what ``answers`` leave open; None when that can be told."""

    @abstractmethod
    def read_cluster(self, answers: Sequence[Rows]) -> Cluster:
        """Turn the answers into what follows for locks."""

    @abstractmethod
    def synchronize_reads(self) -> str:
        """Make the session's reads wait until the node has caught up with the cluster."""

    @abstractmethod
    def blockers(self, tables: Sequence[str]) -> Query | None:
        """Ask who holds ``tables`` so that they cannot be changed; None where the engine cannot tell."""

    @abstractmethod
    def read_blockers(self, table: str, rows: Rows) -> str:
        """Name those who stand in the way of a change to ``table``, in words; empty when nobody is seen."""

    @abstractmethod
    def upsert(self, table: str, key: str, columns: Sequence[str], updated: str) -> str:
        """Insert a row, or set ``updated`` where ``key`` is there; the parameters are the values and the new value."""
