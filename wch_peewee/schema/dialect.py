"""The interface of an engine's dialect: what to ask, how to read the answers, how to render a change."""

from abc import abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .base import BaseDialect, Query, Rows
from .objects import Index, Schema, Table
from .operations import NamedParts, Operation
from .preconditions import Precondition, count_query
from .statements import Effect, Size, Statement, Step


@dataclass(frozen=True, slots=True)
class Topology:
    """A server's place among others, as far as it matters to a run.

    ``kind`` is ``galera``, ``group`` (MySQL Group Replication), or empty for a server that is alone or has replicas
    only. ``trouble`` is the reason if nothing may be written here and, after a semicolon, what to do instead. It
    passes, or another server of the cluster has none, unless such clusters are not ``supported``. With ``is_split`` a
    proxy sends reads to other servers, and nothing that was read can be relied on. ``knows_sources`` is False if the
    account may not ask whether the server replicates from others.
    """

    kind: Literal["", "galera", "group"] = ""
    trouble: str = ""
    supported: bool = True
    is_split: bool = False
    knows_sources: bool = True

    @property
    def shares_writes(self) -> bool:
        """True if every node takes writes, so that a named lock holds on one node only and a lease is needed."""
        return self.kind == "galera"


#: A server without others.
ALONE = Topology()


@dataclass(frozen=True, slots=True)
class Privileges:
    """An account's privileges in the current database, and how an administrator adds to them.

    Whether those in ``unsure`` are held cannot be told. ``target`` is what a GRANT is ON, and TO whom. Where that hides
    the account's other grants on the database, ``kept`` is what it repeats of them. With ``sees_keys`` the account sees
    the foreign keys of every database. ``activations`` are statements that make roles active which the account has been
    granted and this session has not; empty if there are none.
    """

    held: frozenset[str]
    unsure: frozenset[str]
    target: str
    kept: frozenset[str] = frozenset()
    sees_keys: bool = False
    activations: tuple[str, ...] = ()

    def missing(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Return those privileges of ``wanted`` that the account lacks: unknown is not missing."""
        return tuple(name for name in wanted if name not in self.held | self.unsure)

    def grant(self, wanted: Iterable[str]) -> str:
        """Return the statement that adds what may be missing of ``wanted``, and takes nothing away."""
        names = dict.fromkeys((*(name for name in wanted if name not in self.held), *sorted(self.kept)))
        everything = "ALL PRIVILEGES"
        return f"GRANT {everything if everything in names else ', '.join(names)} ON {self.target};"


class Dialect(BaseDialect):
    """One engine in one version. Methods with a default are for engines with servers, accounts or collations."""

    #: ``sqlite``, ``mysql`` or ``mariadb``
    name: str
    #: as reported by the engine, e.g. ``(10, 11, 19)``
    version: tuple[int, ...]
    #: DDL can be rolled back, so a whole run is one transaction
    transactional_ddl: bool
    #: online schema change tools can be at work; else nobody asks for their tables and triggers
    has_online_tools: bool = False
    #: the table of the server's connections
    processlist: str = ""
    #: the type of a column can change while a foreign key is on it or refers to it
    retypes_foreign_keys: bool
    #: a new column always comes last
    appends_columns: bool
    #: the operator that compares NULLs as equal
    null_safe_equal: str
    #: the end of a SELECT that locks its rows until the transaction ends
    locking_read: str
    #: what has names that are unique in the whole database
    named_in_database: NamedParts

    @property
    def label(self) -> str:
        """The engine and its version for display: ``MariaDB 10.11.19``."""
        names = {"sqlite": "SQLite", "mysql": "MySQL", "mariadb": "MariaDB"}
        return f"{names[self.name]} {'.'.join(map(str, self.version))}"

    @abstractmethod
    def index_name(self, table: str, index: str) -> str:
        """Return an index's name; it contains the table's where index names are unique per database."""

    def find_index(self, table: Table, index: str, marked: str) -> Index | None:
        """Return the live table's index that is declared as ``index``; ``marked`` is its name without the prefix."""
        return table.index(self.index_name(table.name, index))

    @abstractmethod
    def adapt(self, table: Table) -> Table:
        """Return a declared table as this engine will give it back, so that both compare equal."""

    @abstractmethod
    def obstacles(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        """Return the reasons against ``operations`` on the live ``table``, for one that they would lose something."""

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
        """Return a table's name in the form in which equal names compare equal."""

    @abstractmethod
    def all_tables(self) -> Query:
        """Return a cheap query for the names of all tables and views of the database."""

    @abstractmethod
    def all_triggers(self) -> Query:
        """Return the query for all triggers of the database: table and name."""

    def underscored_tables(self) -> Query:
        """Return the query for tables whose names begin with ``_``, as those of online tools do."""
        raise NotImplementedError

    def triggers_of(self, part: str) -> Query:
        """Return the query for the triggers of all tables whose names contain ``part``: name, event, table and body."""
        raise NotImplementedError

    def definition(self, name: str) -> Query | None:
        """Return a cheap query for a table's text, its second column; None if introspection is as cheap.

        Tables whose texts differ only in names and counters differ in nothing else but their triggers.
        """
        return None

    @abstractmethod
    def referencing(self, names: Sequence[str]) -> Query:
        """Return the query for the foreign keys of other tables that refer to one of ``names``."""

    @abstractmethod
    def read_referencing(self, names: Sequence[str], rows: Rows) -> dict[str, str]:
        """Return those other tables, from the answer to ``referencing(names)``, with the statements that drop the keys.

        Empty text if a key goes only with its table.
        """

    def reference_probe(self, table: str) -> Statement | None:
        """Return a statement that fails if ``table`` has, or is referred to by, a foreign key, and does nothing else.

        It finds keys of other databases which the account cannot see. None if there are none.
        """
        return None

    def count_conflicts(self, precondition: Precondition) -> Query:
        """Return the query for the number of rows that conflict with ``precondition``; zero means that it holds."""
        return count_query(precondition, self)

    @abstractmethod
    def render(self, table: Table | None, operations: Sequence[Operation]) -> tuple[Step, ...]:
        """Render ``operations`` on ``table`` as it is now, None if it does not exist, in few and cheap steps."""

    @abstractmethod
    def effect(self, step: Step, topology: Topology, size: Size | None) -> Effect:
        """Return the locking impact of a step on concurrent readers and writers; ``size`` is the table's, if known."""

    @abstractmethod
    def sizes(self, names: Sequence[str]) -> tuple[Query, ...]:
        """Return queries for the sizes of tables: name, rows and bytes, as the server estimates; some have no rows."""

    @abstractmethod
    def hex_of(self, expression: str) -> str:
        """Return the expression for a text's UTF-8 in hexadecimal digits, which a UNION takes from any collation."""

    def collation_of(self, expression: str) -> str:
        """Return the expression for the collation of a text; NULL if the engine has none of its own."""
        return "NULL"

    def conversion(self, live: Table, wanted: Table) -> str:
        """Return the statement that changes engine, collation and columns of ``live`` to those of ``wanted``."""
        return ""

    def column_collation(self, table: str, column: str) -> Query | None:
        """Return the query for the collation of one column; None if the engine has none of its own."""
        return None

    def privileges(self) -> tuple[Query, ...]:
        """Return the queries for the account's privileges in this database; none if there are no accounts."""
        return ()

    def read_privileges(self, answers: Sequence[Rows], owned: Sequence[str], options: str) -> Privileges | None:
        """Return the privileges in this database, or on each table of ``owned`` and the table ``options``.

        None if there are no accounts.
        """
        return None

    def identity(self, mark: str, *, locking: bool) -> tuple[Query, ...]:
        """Return a statement that gives the session a mark, and queries in several wordings for who answers.

        Their answers are alike, as far as both go, if one connection to one server gives them all.
        """
        return ()

    def topology(self) -> Generator[Query, Rows | None, Topology]:
        """Yield queries, are sent their answers (None where the account may not ask), and return the server's place."""
        yield from ()
        return Topology()

    def synchronize_reads(self) -> str:
        """Return the statement that makes the session's reads wait until the node has caught up with the cluster."""
        return ""

    @abstractmethod
    def database_names(self) -> Query:
        """Return the query for the names, each with its table, that no new one of ``named_in_database`` may have."""

    def blockers(self, tables: Sequence[str]) -> Query | None:
        """Return the query for the sessions that prevent a change of ``tables``; None if the engine cannot tell."""
        return None

    @property
    def blockers_grant(self) -> str:
        """What an account needs to be told of them, as a GRANT says it."""
        return ""

    def read_blockers(self, table: str, rows: Rows) -> str:
        """Return in words the sessions that block a change of ``table``; empty if none is visible."""
        return ""

    def lock_holder(self, name: str) -> Query:
        """Return the query for the connection that holds the named lock; only for engines that have such locks."""
        raise NotImplementedError

    def read_lock_holder(self, rows: Rows) -> tuple[str, str]:
        """Return in words the connection that holds a lock, and the statement that ends it; empty if it is free."""
        raise NotImplementedError
