"""The part of a dialect that is the same in every version of an engine: how to quote, to ask what exists, what errors
mean. It is all that admin_init needs, and imports next to nothing.

    words_of(database).presence(["wp_wch_carts"])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ._part_statements_query import Query

Rows = Sequence[Sequence[Any]]

#: What a driver's error means for us:
#: ``waiting``   a lock was not had in time, nothing was done; try again
#: ``exists``    somebody else has made it meanwhile; look again
#: ``missing``   the table is not there
#: ``lost``      the connection is gone; whether the statement was done is unknown
#: ``denied``    the account may not do this
#: ``dearer``    the algorithm that was asked for does not do; another one may
#: ``orphans``   rows without a parent stand against a foreign key
#: ``other``     anything else
Failure = Literal["waiting", "exists", "missing", "lost", "denied", "dearer", "orphans", "other"]


class Words(ABC):
    """One engine, whatever its version."""

    #: how a parameter is written
    placeholder: str

    @abstractmethod
    def quote(self, name: str) -> str:
        """Quote an identifier."""

    @abstractmethod
    def presence(self, names: Sequence[str]) -> Query:
        """Ask, in one cheap query, which of ``names`` exist; one row with the name for each."""

    @abstractmethod
    def failure(self, arguments: Sequence[object]) -> Failure:
        """Say what the arguments of a driver's error mean."""

    @abstractmethod
    def is_broken_off(self, arguments: Sequence[object]) -> bool:
        """Say whether they mean that the server has given up the statement, and its transaction, for somebody else's:
        a case of ``waiting`` in which the very next try may succeed."""

    @abstractmethod
    def wire(self, sql: str) -> str:
        """Prepare a statement without parameters for the driver."""
