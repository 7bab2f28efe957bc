"""Environment variables, as far as they say what PHP sees.

wch takes its own environment for PHP's when that is plausible: a variable that is set counts. One that is not set
counts as not set only when another one that the file asks for is there; with none of them, as outside of the
container or of the web server, nobody knows. What every process has, and what a web request brings, is never known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .values import Unknown

_REQUEST = re.compile(
    r"(HTTP_|REQUEST_|SERVER_|REMOTE_|SCRIPT_|DOCUMENT_|QUERY_|PATH_|CONTENT_|GATEWAY_|REDIRECT_|ORIG_|SSL_|AUTH_|"
    r"PHP_|FCGI_|CF_|GEOIP_|CONTEXT_).*|HTTPS|argv|argc|USER|HOME|PATH|PWD|OLDPWD|SHELL|SHLVL|LANG|LC_.*|TERM|LOGNAME|"
    r"HOSTNAME|TMPDIR|TMP|TEMP|TZ|_|UNIQUE_ID|SUDO_.*|SSH_.*|EDITOR|MAIL|DISPLAY"
)


@dataclass(slots=True)
class Environment:
    """``variables`` are those of this process; ``complete`` says that what is not among them is not set."""

    variables: Mapping[str, str]
    complete: bool = False
    #: The names that the file asked for and that are set.
    found: set[str] = field(default_factory=set)

    def get(self, name: bytes, what: str) -> bytes | Unknown | None:
        """The value as PHP would have it, None when it is not set. ``what`` is how the file asks, for messages."""
        key = os.fsdecode(name)
        if "\0" in key:
            return Unknown(f"{what}, which no variable can be called")
        if _REQUEST.fullmatch(key):
            return Unknown(f"{what}, which only PHP's own process or request knows")
        if key in self.variables:
            self.found.add(key)
            return os.fsencode(self.variables[key])
        return None if self.complete else Unknown(f"{what}, which is not set here and may be for PHP")
