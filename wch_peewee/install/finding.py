"""One thing that the doctor looked at.

Finding("engine", "fail", "InnoDB is switched off", "start the server without skip-innodb")
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

#: ``fail`` keeps an installation from working, ``warn`` may hurt one day, ``ok`` needs nothing.
State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``found`` is what is there, ``advice`` what to do about it; empty where nothing has to be done."""

    name: str
    state: State
    found: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)
