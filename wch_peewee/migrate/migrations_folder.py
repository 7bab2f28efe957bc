"""Find the folder of the shipped migrations.

A wheel holds it inside the package (``wch_peewee/migrations``); a checkout, and an editable install of one,
has it beside the package. Nothing is searched for beyond these two places, and nothing is created.

    folder = migrations_folder()
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigurationError

_NUMBERED = "[0-9][0-9][0-9]_*.py"


def migrations_folder() -> Path:
    """Return the folder that holds this installation's numbered migrations."""
    package = Path(__file__).resolve().parents[1]
    inside, beside = package / "migrations", package.parent / "migrations"
    if _holds_migrations(inside):
        return inside
    # Beside an installed package there is site-packages, where a `migrations` would be somebody else's.
    if (package.parent / "setup.cfg").is_file() and _holds_migrations(beside):
        return beside
    raise ConfigurationError(
        f"No migrations are installed: neither {inside} nor a checkout's {beside} holds a file NNN_name.py. "
        "Install wch-peewee again."
    )


def _holds_migrations(folder: Path) -> bool:
    return any(folder.glob(_NUMBERED))
