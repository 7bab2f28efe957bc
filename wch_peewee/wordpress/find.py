"""The search for a WordPress folder and its wp-config.php, by WordPress's rules.

Every folder is the real one: PHP's ``__DIR__``, and with it ABSPATH, has no symbolic links.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigurationError
from .php.outside import read_bytes

_CONFIG = "wp-config.php"
_BLOG_HEADER = re.compile(
    rb"(?:(__DIR__|dirname\s*\(\s*__FILE__\s*\))\s*\.|\b(?i:require|include)(?:_once)?\b[\s(]*)"
    rb"\s*(['\"])([^'\"\n]*?)/?wp-blog-header\.php\2"
)
_STRING_OR_COMMENT = re.compile(rb"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|//[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)


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
        what = "a symbolic link that leads nowhere" if os.path.lexists(path) else "no such folder"
        raise ConfigurationError(f"No WordPress at {path}: {what}; expected the folder with wp-load.php.")
    if path.is_file():
        return _site_of_file(_real(path.parent) / path.name)
    location = _site_in(_real(path))
    if location is None:
        raise ConfigurationError(
            f"No WordPress at {path}: neither wp-config.php nor wp-load.php was found; expected the folder with "
            "wp-load.php, or wp-config.php itself."
        )
    if not _exists(location.config):
        raise ConfigurationError(
            f"WordPress at {location.folder} has no wp-config.php, neither there nor in the folder above; install "
            "WordPress first, or set --database (WCH_DATABASE_URL)."
        )
    return location


def site_around(folder: Path) -> SiteLocation | None:
    """Return the site that a folder is in, searching upwards, or None."""
    folder = _real(folder)
    for candidate in (folder, *folder.parents):
        location = _site_in(candidate)
        if location is not None and _exists(location.config):
            return location
    return None


def served_folder(path: Path) -> Path | None:
    """Return the folder of a WordPress site that a file lies in, which a web server serves to anybody, or None."""
    for folder in _real(path).parents:
        if _is_wordpress(folder) or _led_to(folder) or all(_exists(folder / name) for name in (_CONFIG, "index.php")):
            return folder
    return None


def _site_of_file(config: Path) -> SiteLocation:
    return SiteLocation(config, config.parent if _is_wordpress(config.parent) else _wordpress_below(config.parent))


def _site_in(folder: Path) -> SiteLocation | None:
    if abspath := _abspath(folder) or _led_to(folder):
        return SiteLocation(config_of(abspath), abspath)
    return SiteLocation(folder / _CONFIG, _wordpress_below(folder)) if _exists(folder / _CONFIG) else None


def config_of(abspath: Path) -> Path:
    """Return the wp-config.php that the WordPress in this folder loads; it need not exist."""
    above = abspath.parent / _CONFIG
    if not _exists(abspath / _CONFIG) and _exists(above) and not _exists(abspath.parent / "wp-settings.php"):
        return above
    return abspath / _CONFIG


def _is_wordpress(folder: Path) -> bool:
    return _exists(folder / "wp-load.php") or _exists(folder / "wp-settings.php")


def _abspath(folder: Path) -> Path | None:
    """Return the ABSPATH of the WordPress in a folder, or None if there is none."""
    if not _is_wordpress(folder):
        return None
    loaded = _real(folder / "wp-load.php").parent
    # Among links to the files of another folder, a wp-config.php is loaded by wp-cli and scripts.
    is_own = _exists(folder / _CONFIG) and not _exists(config_of(loaded))
    return _real(folder) if is_own else loaded


def _led_to(folder: Path) -> Path | None:
    """Return the ABSPATH of the WordPress in another folder that an index.php loads, or None."""
    index = folder / "index.php"
    source = read_bytes(index) if _exists(index) else b""
    code = _STRING_OR_COMMENT.sub(lambda match: match[1] or b"", source if isinstance(source, bytes) else b"")
    if (match := _BLOG_HEADER.search(code)) is None:
        return None
    named = match[3].decode("utf-8", "surrogateescape")
    # Without __DIR__ the path begins where PHP runs, which is the folder of the script that is asked for.
    place = Path(f"{_real(index).parent}{named}" if match[1] else folder / named)
    return _abspath(_real(place / "wp-blog-header.php").parent)


def _wordpress_below(folder: Path) -> Path | None:
    """Return the only WordPress in the folders below that loads the wp-config.php of this one, or None."""
    try:
        children = [child for child in folder.iterdir() if child.is_dir()]
    except OSError:
        return None
    found = {abspath for abspath in map(_abspath, children) if abspath and config_of(abspath).parent == folder}
    return found.pop() if len(found) == 1 else None


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _exists(path: Path) -> bool:
    """Return True if something exists that this account can see; a folder without permission counts as empty."""
    try:
        return path.exists()
    except OSError:
        return False
