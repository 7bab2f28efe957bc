"""The search for a WordPress folder and its wp-config.php, by the rules of WordPress and wp-cli."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigurationError

_CONFIG = "wp-config.php"
_BLOG_HEADER = re.compile(
    rb"(?:__DIR__|dirname\s*\(\s*__FILE__\s*\))\s*\.\s*(['\"])(/[^'\"\n]*?)/?wp-blog-header\.php\1"
)
_WP_CLI_PATH = re.compile(r"^path:\s*(['\"]?)([^'\"#\n]+?)\1\s*(?:#.*)?$", re.MULTILINE)
_READ_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class SiteLocation:
    """The location of a site: its wp-config.php, and the folder of WordPress (``abspath``), or None if unknown."""

    config: Path
    abspath: Path | None

    @property
    def folder(self) -> Path:
        return self.abspath or self.config.parent


def find_site(path: Path | str) -> SiteLocation:
    """Return the site in a folder, or the one of a wp-config.php. Raises ConfigurationError if there is none.

    WordPress (ABSPATH) is the folder with wp-load.php; an index.php above it may lead there. Its configuration is
    ``ABSPATH/wp-config.php``, else the one in the parent folder, unless that folder is a WordPress itself.
    """
    path = Path(path).expanduser()
    if not _exists(path):
        raise ConfigurationError(f"There is no WordPress at {path}: no such folder; name the one with wp-load.php.")
    if _is_file(path):
        return _site_of_file(path.absolute())
    location = _site_in(path.absolute())
    if location is None:
        raise ConfigurationError(
            f"There is no WordPress at {path}: neither wp-config.php nor wp-load.php was found; name the folder with "
            "wp-load.php, or wp-config.php itself."
        )
    if not _exists(location.config):
        raise ConfigurationError(
            f"WordPress at {path} has no wp-config.php, neither there nor in the folder above; install WordPress "
            "first, or set --database (WCH_DATABASE_URL)."
        )
    return location


def site_around(folder: Path) -> SiteLocation | None:
    """Return the site that a folder is in, searching upwards, or None."""
    for candidate in (folder, *folder.parents):
        location = _site_in(candidate)
        if location is not None and _exists(location.config):
            return location
    return None


def _site_of_file(config: Path) -> SiteLocation:
    if config.suffix != ".php":
        raise ConfigurationError(f"{config} is no wp-config.php; name the site's folder, or its wp-config.php.")
    if _is_wordpress(config.parent):
        return SiteLocation(config, config.parent)
    below = _wordpresses_below(config.parent)
    return SiteLocation(config, below[0] if len(below) == 1 else None)


def _site_in(folder: Path) -> SiteLocation | None:
    for abspath in _abspaths(folder):
        return SiteLocation(config_of(abspath), abspath)
    if _is_file(folder / _CONFIG):
        below = _wordpresses_below(folder)
        return SiteLocation(folder / _CONFIG, below[0] if len(below) == 1 else None)
    return None


def config_of(abspath: Path) -> Path:
    """Return the wp-config.php that the WordPress in this folder loads; it need not exist."""
    above = abspath.parent / _CONFIG
    if not _exists(abspath / _CONFIG) and _exists(above) and not _exists(abspath.parent / "wp-settings.php"):
        return above
    return abspath / _CONFIG


def _is_wordpress(folder: Path) -> bool:
    return _is_file(folder / "wp-load.php") or _is_file(folder / "wp-settings.php")


def _abspaths(folder: Path) -> Iterator[Path]:
    if _is_wordpress(folder):
        yield folder
    index = _read_start(folder / "index.php")
    if match := _BLOG_HEADER.search(index):
        named = Path(str(folder) + match[2].decode("utf-8", "surrogateescape"))
        if _is_wordpress(named):
            yield named.resolve()
    for name in ("wp-cli.local.yml", "wp-cli.yml"):
        if found := _WP_CLI_PATH.search(_read_start(folder / name).decode("utf-8", "replace")):
            named = folder / found[2].strip()
            if _is_wordpress(named):
                yield named.resolve()


def _wordpresses_below(folder: Path) -> list[Path]:
    try:
        return [child for child in sorted(folder.iterdir()) if child.is_dir() and _is_wordpress(child)][:2]
    except OSError:
        return []


def _read_start(path: Path) -> bytes:
    try:
        if not _is_file(path):
            return b""
        with path.open("rb") as file:
            return file.read(_READ_LIMIT)
    except OSError:
        return b""


def _exists(path: Path) -> bool:
    """Return True if something exists that this account can see; a folder without permission counts as empty."""
    try:
        return path.exists()
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
