"""The reader of wp-config.php: its constants and ``$table_prefix`` when WordPress connects, without running PHP."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import builtins, constants, expressions, files, objects, statements
from .files import read_bytes, run_source
from .machine import EvaluationAborted, Machine, Unit, Unreachable
from .state import Environment, ProgramState, merge_states
from .syntax import parse
from .values import ABSENT, Unknown

EXPRESSIONS = {**expressions.HANDLERS, **constants.HANDLERS, **files.HANDLERS, **objects.HANDLERS}

#: The constants that count when WordPress connects.
CONNECTING = (
    "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_CHARSET", "DB_COLLATE", "MYSQL_CLIENT_FLAGS", "WP_CONTENT_DIR",
    "WP_ALLOW_MULTISITE", "MULTISITE", "SUBDOMAIN_INSTALL", "VHOST", "SUNRISE", "DOMAIN_CURRENT_SITE",
    "PATH_CURRENT_SITE", "SITE_ID_CURRENT_SITE", "BLOG_ID_CURRENT_SITE",
)  # fmt: skip
REMOVE_DATA = "WCH_REMOVE_DATA"


@dataclass(frozen=True, slots=True, eq=False)
class ConfigValues:
    """The content of a wp-config.php: bytes or other PHP values, Unknown, or ABSENT.

    The repr shows no value, because some are secret. Two are equal if all values and their types are equal.
    """

    constants: Mapping[str, Any]
    table_prefix: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigValues) and self._all == other._all

    def __hash__(self) -> int:
        return hash(self._all)

    @property
    def _all(self) -> str:
        return repr([*self.constants.items(), self.table_prefix])

    def __repr__(self) -> str:
        known = [
            name for name, value in self.constants.items() if value is not ABSENT and not isinstance(value, Unknown)
        ]
        return f"ConfigValues(known: {', '.join(known)})"


def read_config(config: Path, abspath: Path | None, environment: Mapping[str, str]) -> ConfigValues:
    """Evaluate the file; ``abspath`` is WordPress's folder, if any. Raises ConfigurationError without a parser.

    What cannot be known is Unknown. If the file itself cannot be read, everything is Unknown.
    """
    values, found = _read_once(config, abspath, Environment(environment))
    # Some of the variables that it reads are set here: so this is PHP's environment, and the others are not set.
    return _read_once(config, abspath, Environment(environment, complete=True))[0] if found else values


def _read_once(config: Path, abspath: Path | None, environment: Environment) -> tuple[ConfigValues, set[str]]:
    real = Path(os.path.realpath(config))
    machine = Machine(
        environment,
        real,
        abspath and Path(os.path.realpath(abspath)),
        statements.HANDLERS,
        EXPRESSIONS,
        builtins.FUNCTIONS,
    )
    source = read_bytes(real)
    if isinstance(source, Unknown):
        return _all_unknown(Unknown(source.what, str(config), 1)), set()
    root = parse(b"<?php\n")
    machine.unit = Unit(str(real))
    machine.current.included.known[str(real)] = True
    try:
        run_source(machine, root, source, machine.unit)
    except Unreachable:
        pass
    except EvaluationAborted as error:
        return _all_unknown(error.why), environment.found
    except RecursionError:
        return _all_unknown(Unknown("what stands there is nested too deeply", str(real), 1)), environment.found
    return _result(machine), environment.found


def _result(machine: Machine) -> ConfigValues:
    ends = [*machine.connects] if machine.connects else [machine.state] if machine.state is not None else []
    if not ends:
        return _all_unknown(machine.ended)
    for state in ends:
        del state.frames[1:]
    connecting = merge_states(ends, machine.cause)
    last = machine.state or connecting
    values = {name: _constant(connecting, name) for name in CONNECTING}
    values[REMOVE_DATA] = _constant(last, REMOVE_DATA)
    variables = connecting.frames[0].variables
    return ConfigValues(values, variables.known.get("table_prefix", variables.rest or ABSENT))


def _constant(state: ProgramState, name: str) -> Any:
    if name in state.constants.known:
        value = state.constants.known[name]
        # Of an array only its type matters, and whether it is empty.
        return ({0: True} if value else {}) if isinstance(value, dict) else value
    return state.constants.rest or ABSENT


def _all_unknown(why: Unknown) -> ConfigValues:
    return ConfigValues(dict.fromkeys((*CONNECTING, REMOVE_DATA), why), why)
