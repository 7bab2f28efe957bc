"""The part of a dialect that needs no version. Every request of a host imports this: it must stay light."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .objects import ColumnType

Rows = Sequence[Sequence[Any]]

#: What a driver's error means.
Failure = Literal[
    "waiting",  # a lock was not acquired in time and nothing was done; a retry may succeed
    "exists",  # another session has created it meanwhile; inspect again
    "missing",  # the table does not exist
    "lost",  # the connection is lost; whether the statement was done is unknown
    "not here",  # the server takes no writes, or nothing at all: it is read-only now, or out of its cluster
    "damaged",  # the database's file is damaged
    "denied",  # the account lacks a privilege
    "unsupported",  # the requested algorithm cannot do it; another one may
    "orphans",  # rows without a parent conflict with a foreign key
    "referenced",  # another table's foreign key refers to the table
    "other",
]


@dataclass(frozen=True, slots=True)
class Query:
    """A read, with its parameters."""

    sql: str
    params: tuple[object, ...] = ()


class BaseDialect(ABC):
    """One engine in any version."""

    #: how a parameter is written
    placeholder: str
    #: the function that counts a text's characters
    text_length: str

    @abstractmethod
    def quote(self, name: str) -> str:
        """Quote an identifier."""

    @abstractmethod
    def literal(self, text: str) -> str:
        """Quote a text."""

    @abstractmethod
    def byte_length(self, expression: str) -> str:
        """Return the expression for the length of a text in bytes."""

    def exactly(self, expression: str) -> str:
        """Return the expression for a text that equals no other, whatever its collation."""
        return expression

    @abstractmethod
    def changes_as(self, expression: str, was: ColumnType, now: ColumnType, *, as_text: bool) -> str:
        """Return the condition that a value is not NULL and not the same once it is converted from a type to another.

        ``as_text`` compares the two as they are printed. Of a type that the engine cannot convert to in a query, every
        value counts as changed.
        """

    @abstractmethod
    def presence(self, names: Sequence[str]) -> Query:
        """Return one cheap query for those of ``names`` that exist: a row with the name for each."""

    @abstractmethod
    def failure(self, arguments: Sequence[object]) -> Failure:
        """Return the meaning of a driver error, given its arguments."""

    @abstractmethod
    def is_aborted(self, arguments: Sequence[object]) -> bool:
        """Return True if the server has aborted the statement and its transaction in favor of another one.

        This is a case of ``waiting`` in which an immediate retry may succeed.
        """

    @abstractmethod
    def escape(self, sql: str) -> str:
        """Prepare a statement without parameters for the driver."""
