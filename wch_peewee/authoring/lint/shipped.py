"""The record of shipped migrations, ``shipped.json``: a digest of each, because an applied one never runs again."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...errors import ConfigurationError
from ...migrate.folder import digest
from .findings import Finding
from .load import Source

RECORD = "shipped.json"

_ADVICE = "restore it, and write the change as the next migration"


def shipped_findings(folder: Path, sources: Iterable[Source]) -> Iterator[Finding]:
    """Compare the files with the record; without a record nothing has been shipped."""
    path = folder / RECORD
    try:
        recorded = _read(path)
    except ConfigurationError as error:
        yield Finding(path, 1, "shipped", str(error), "restore it; wch check --migrations --record writes it")
        return
    there = {source.name: source for source in sources}
    for name, known in recorded.items():
        source = there.get(name)
        if source is None:
            found = f"{name}.py was shipped, but the file is missing"
            yield Finding(path, 1, "shipped", found, "restore it: databases have it in their history")
        elif source.error or digest(source.tree) != known:
            found = f"{name} was changed after it was shipped"
            yield Finding(source.path, 1, "shipped", found, _ADVICE)


def record_shipped(folder: Path, sources: Iterable[Source]) -> tuple[str, ...]:
    """Add the digests of files that are not in the record yet; return their names. Existing ones stay as they are.

    Raises ConfigurationError.
    """
    path = folder / RECORD
    recorded = _read(path)
    new = {source.name: digest(source.tree) for source in sources if source.name not in recorded}
    if new:
        try:
            path.write_text(json.dumps(dict(sorted({**recorded, **new}.items())), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}.") from error
    return tuple(new)


def _read(path: Path) -> dict[str, str]:
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(recorded, dict) or not all(isinstance(value, str) for value in recorded.values()):
        raise ConfigurationError(f"{path.name} is not a JSON object of names and digests")
    return recorded
