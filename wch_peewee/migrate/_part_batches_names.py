"""Table names in a migration's own SQL: ``{messages}`` becomes that table's full name, quoted.

"DELETE FROM {carts}".format_map(TableNames(workspace))
"""

from __future__ import annotations

from typing import Any

from ..errors import ConfigurationError
from ..execution.context import Workspace
from ..schema._part_declared_resolve import physical_name


class TableNames(dict[str, Any]):
    """A mapping that knows every table's key; further words are given by name. ``asked`` are the tables it was for."""

    def __init__(self, workspace: Workspace, **words: Any) -> None:
        super().__init__(words)
        self._workspace = workspace
        self.asked: list[str] = []

    def __missing__(self, key: str) -> str:
        if not key.isidentifier():
            raise ConfigurationError(
                f"{{{key}}} in a migration's SQL is no table's key; write a brace twice to mean itself"
            )
        self.asked.append(physical_name(key, self._workspace.prefix))
        return self._workspace.dialect.quote(self.asked[-1])
