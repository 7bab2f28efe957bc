"""wp-config.php evaluated by PHP itself, when asked: in a child, as wp-cli does, without loading WordPress."""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...models.namespace import WCH
from .reader import CONNECTING, ConfigValues
from .values import ABSENT, Unknown

_SECONDS = 10
_PROGRAM = Path(__file__).with_name("evaluate.php")
_OPTIONS = {
    "memory_limit": "64M", "max_execution_time": "5", "allow_url_fopen": "0", "allow_url_include": "0",
    "sendmail_path": "/bin/true", "display_errors": "0", "log_errors": "0", "variables_order": "EGPCS",
    "short_open_tag": "0", "auto_prepend_file": "", "auto_append_file": "", "opcache.enable_cli": "0",
}  # fmt: skip


def ask_php(
    program: str, config: Path, abspath: Path | None, environment: Mapping[str, str], removal: str = WCH.remove_data
) -> ConfigValues:
    """Let PHP evaluate the file, as the file's owner if we are root; a request's values are those of a command line.

    ``program`` is PHP's path or name. Raises ConfigurationError if PHP is not found or does not come to an end.
    """
    path = shutil.which(program)
    if path is None:
        raise ConfigurationError(f"PHP not found: {program}; set its path with --php=PATH or WCH_PHP.")
    real, root = os.path.realpath(config), "" if abspath is None else f"{os.path.realpath(abspath).rstrip('/')}/"
    code = _PROGRAM.read_text().removeprefix("<?php\n")
    options = [word for name, value in _OPTIONS.items() for word in ("-d", f"{name}={value}")]
    names = json.dumps([*CONNECTING, removal])
    with tempfile.TemporaryFile() as answers:
        try:
            owner = Path(real).stat()
            account: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
            child = subprocess.Popen(
                [path, *options, "-r", code, "--", real, root, names, str(answers.fileno())],
                env=dict(environment), cwd=root or Path(real).parent, pass_fds=[answers.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True, **(account if os.geteuid() == 0 and owner.st_uid else {}),
            )  # fmt: skip
        except OSError as error:
            raise ConfigurationError(f"PHP at {path} cannot be started: {error.strerror}.") from None
        try:
            child.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            raise ConfigurationError(f"PHP did not finish {config} within {_SECONDS} seconds.") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # and what it has started
            child.wait()
        answers.seek(0)
        answer = answers.read(1 << 20)
    try:
        return _values(json.loads(answer), real, removal)
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"PHP at {path} returned nothing for {config}; does it run here?") from None


def _values(answer: Any, config: str, removal: str) -> ConfigValues:
    found, last, line = answer["found"], answer["last"], answer["fatal"]
    stopped = Unknown("PHP stopped here with a fatal error", config, line) if line else ABSENT
    constants = {name: _decoded((found or last)["constants"].get(name)) for name in CONNECTING}
    at_the_end = _decoded(last["constants"].get(removal))
    constants[removal] = stopped if at_the_end is ABSENT else at_the_end
    if found is None and line:
        return ConfigValues(dict.fromkeys(constants, stopped), stopped)
    return ConfigValues(constants, _decoded((found or last)["prefix"]))


def _decoded(pair: Any) -> Any:
    """Return a value, of which an array or an object has only whether it is empty; ABSENT if it is not set."""
    if pair is None:
        return ABSENT
    kind, value = pair
    return base64.b64decode(value) if kind == "string" else value if kind == "plain" else {0: True} if value else {}
