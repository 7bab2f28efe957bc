"""What is outside the program: the environment, and on the disk plain local files of limited size."""

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .values import ABSENT, MAX_SIZE, Unknown

#: Names that a request, or any process, has of its own; what PHP has there cannot be known.
REQUEST = re.compile(
    rb"(HTTP_|REQUEST_|SERVER_|REMOTE_|SCRIPT_|DOCUMENT_|QUERY_|PATH_|CONTENT_|GATEWAY_|REDIRECT_|ORIG_|SSL_|AUTH_|"
    rb"PHP_|FCGI_|CF_|GEOIP_|CONTEXT_).*|HTTPS|argv|argc|USER|HOME|PATH|PWD|OLDPWD|SHELL|SHLVL|LANG|LC_.*|TERM|LOGNAME|"
    rb"HOSTNAME|TMPDIR|TMP|TEMP|TZ|_|UNIQUE_ID|SUDO_.*|SSH_.*|EDITOR|MAIL|DISPLAY|.*\0.*"
)


@dataclass(slots=True, repr=False)
class Environment:
    """The environment variables that PHP sees, inferred from this process's, which ``variables`` are.

    One that is set counts as PHP's. One that is not set counts as not set only if another one that the file reads is
    set (``found``, ``complete``); otherwise, as outside the container or the web server, it is unknown. What every
    process has, and what a web request brings, is always unknown.
    """

    variables: Mapping[str, str]
    complete: bool = False
    found: set[str] = field(default_factory=set)

    def get(self, name: bytes, what: str) -> Any:
        """Return the value as PHP would have it, or ABSENT. ``what`` is how the file reads it, for messages."""
        key = os.fsdecode(name)
        if REQUEST.fullmatch(name):
            return Unknown(f"{what}, which only PHP's own process or request knows")
        if key in self.variables:
            self.found.add(key)
            return os.fsencode(self.variables[key])
        return ABSENT if self.complete else Unknown(f"{what}, which is not set here, but may be set for PHP")


def find(path: bytes, sites: Sequence[Path]) -> Path | Unknown | None:
    """Return the file or folder at a path; None if it does not exist; Unknown if this process cannot tell."""
    if not path.startswith(b"/"):
        return Unknown("it is not on this disk, or relative to where PHP runs")
    there = Path(os.fsdecode(path))
    try:
        there.stat()
    except (FileNotFoundError, NotADirectoryError):
        # Missing for PHP too: inside the site, or in a folder that exists here.
        folder = Path(os.path.normpath(there.parent))
        is_missing = folder.is_dir() or any(site in (folder, *folder.parents) for site in sites)
        return None if is_missing else Unknown("neither it nor its folder is on this machine")
    except (OSError, ValueError):
        return Unknown("it cannot be looked at from here")
    return there


def beside(path: bytes, own: Path, site: Path | None) -> bytes:
    """Return the full path of a bare name, which PHP takes from where it runs, else from the including file's folder.

    The name is returned as it is unless it is only there, and not in a folder in which WordPress may run.
    """
    if not path or path.startswith((b"/", b"./", b"../")) or b":" in path:
        return path
    beside = own / os.fsdecode(path)
    elsewhere = [folder / os.fsdecode(path) for folder in (site, site.parent, site / "wp-admin")] if site else []
    is_sure = beside.is_file() and all(not each.exists() or each.samefile(beside) for each in elsewhere)
    return os.fsencode(beside) if is_sure else path


def read_bytes(path: Path) -> bytes | Unknown:
    """Return a file's content; Unknown if it is not a regular file, too large, or not readable."""
    try:
        # O_NONBLOCK: opening a pipe would wait for its other end.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            is_plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            # A file of /proc tells of this process.
            if not is_plain or os.path.realpath(path).startswith(("/proc/", "/sys/")):
                return Unknown("it is no plain file")
            source = file.read(MAX_SIZE + 1)
    except OSError as error:
        return Unknown(f"it cannot be read ({error.strerror})")
    return source if len(source) <= MAX_SIZE else Unknown(f"it is larger than {MAX_SIZE // 1024} KB")


def composer_lists_own_files(vendor: Path) -> bool:
    """Return True if Composer's autoloader includes files of the project itself."""
    path = vendor / "composer" / "autoload_files.php"
    source = read_bytes(path) if path.exists() else b""
    return isinstance(source, Unknown) or b"$baseDir ." in source.replace(b"$baseDir = ", b"")


#: What a function of PHP's says of the file at a path; None if there is none.
FUNCTIONS: dict[str, Callable[[Path | None], Any]] = {
    "file_exists": lambda path: path is not None,
    "is_file": lambda path: path is not None and path.is_file(),
    "is_dir": lambda path: path is not None and path.is_dir(),
    "is_readable": lambda path: path is not None and (os.access(path, os.R_OK) or Unknown("what PHP may read")),
    "file_get_contents": lambda path: path is not None and read_bytes(path),
}
