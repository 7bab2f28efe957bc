"""The reader of wp-config.php: its constants and ``$table_prefix`` when WordPress connects, without running PHP."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...models.namespace import WCH
from .evaluator import Evaluator
from .outside import Environment, read_bytes
from .paths import EvaluationAborted, Leave, State, Unit
from .syntax import parse
from .values import ABSENT, Array, Unknown

#: The constants that count when WordPress connects.
CONNECTING = (
    "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_CHARSET", "DB_COLLATE", "MYSQL_CLIENT_FLAGS", "WP_CONTENT_DIR",
    "WP_ALLOW_MULTISITE", "MULTISITE", "SUBDOMAIN_INSTALL", "VHOST", "SUNRISE", "DOMAIN_CURRENT_SITE",
    "PATH_CURRENT_SITE", "SITE_ID_CURRENT_SITE", "BLOG_ID_CURRENT_SITE",
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ConfigValues:
    """The content of a wp-config.php: bytes or other PHP values, Unknown, or ABSENT. No repr shows them."""

    constants: Mapping[str, Any]
    table_prefix: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigValues) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def _all(self) -> str:
        return repr([*self.constants.items(), self.table_prefix])  # in which 1 is not true


def read_config(
    config: Path, abspath: Path | None, environment: Mapping[str, str], removal: str = WCH.remove_data
) -> ConfigValues:
    """Evaluate the file; ``abspath`` is WordPress's folder, if any, ``removal`` a constant that counts at the end.

    Raises ConfigurationError without a parser.

    What cannot be known is Unknown. If the file itself cannot be read, everything is Unknown.
    """
    trees = {b"": parse(b"<?php\n")}
    source = read_bytes(Path(os.path.realpath(config)))
    if isinstance(source, Unknown):
        return _all_unknown(Unknown(source.what, str(config), 1), removal)
    first = Environment(environment)
    values = _evaluated(config, source, abspath, first, trees, removal)
    # If some of the variables that it reads are set here, this is PHP's environment, and the others are not set.
    complete = Environment(environment, complete=True)
    return _evaluated(config, source, abspath, complete, trees, removal) if first.found else values


def _evaluated(
    config: Path, source: bytes, abspath: Path | None, environment: Environment, trees: dict[bytes, Any], removal: str
) -> ConfigValues:
    real, abspath = Path(os.path.realpath(config)), abspath and Path(os.path.realpath(abspath))
    evaluator = Evaluator(environment, real, abspath, Unit(str(real)), trees)
    evaluator.state.known["file", str(real)] = True
    if abspath is not None:
        evaluator.state.known["constant", "ABSPATH"] = os.fsencode(str(abspath).rstrip("/") + "/")
    last: State | None = None
    try:
        evaluator.run_source(trees[b""], source, str(real), None)
        last = evaluator.state
    except Leave:
        pass  # the program does not come to its end
    except EvaluationAborted as error:
        return _all_unknown(error.args[0], removal)
    except RecursionError:
        return _all_unknown(Unknown("what stands there is nested too deeply", str(real), 1), removal)
    connecting = evaluator.connected or last
    if connecting is None:
        return _all_unknown(evaluator.ended, removal)
    values = {name: _value(connecting.get("constant", name)) for name in CONNECTING}
    values[removal] = _value((last or connecting).get("constant", removal))
    return ConfigValues(values, _value(evaluator.fetch(0, "table_prefix", [], connecting)))


def _value(value: Any) -> Any:
    """Return a value, of an array only whether it is empty."""
    if isinstance(value, Array):
        return {0: True} if value else {}
    plain = value is ABSENT or isinstance(value, bytes | bool | int | float | Unknown | None)
    return value if plain else Unknown("an object")


def _all_unknown(why: Unknown, removal: str) -> ConfigValues:
    return ConfigValues(dict.fromkeys((*CONNECTING, removal), why), why)
