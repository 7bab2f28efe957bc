"""Run ``wch`` and turn every ending into an exit code; nobody ever sees a traceback unasked.

run(["status", "--format", "json"])    # 0, 1, 2, ...
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NoReturn

import click

from ..errors import RunStopped, WchError
from . import codes
from .app import Interrupted, wch
from .options import Choices
from .output import NotConfirmed, Output, flush


def main() -> NoReturn:
    """The entry point of the command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    choices = Choices()
    handler = _log_to_stderr(choices)
    try:
        code = _run(list(arguments), choices)
        flush()
        return code
    except Exception as error:  # stdout itself, on a full disk
        choices.format = None
        return _unexpected(error, choices)
    finally:
        logging.getLogger("wch_peewee").removeHandler(handler)


def _run(arguments: list[str], choices: Choices) -> int:
    try:
        result = wch.main(arguments, prog_name="wch", standalone_mode=False, obj=choices)
        return result if isinstance(result, int) else codes.FINE
    except (Interrupted, KeyboardInterrupt, click.Abort) as error:
        return _failed(error, "Interrupted; wch status shows what is in place.", codes.INTERRUPTED, choices, {})
    except click.ClickException as error:
        return _usage(error, arguments, choices)
    except NotConfirmed as error:
        return _failed(error, str(error), codes.FAILED, choices, {})
    except WchError as error:
        if isinstance(error, RunStopped):
            error.command = _typed(arguments)
        attributes = {key: value for key, value in vars(error).items() if not key.startswith("_")}
        return _failed(error, str(error), error.exit_code, choices, attributes)
    except Exception as error:
        return _unexpected(error, choices)


def _typed(arguments: list[str]) -> str:
    """The command as it was typed, without its password."""
    return shlex.join(["wch", *(re.sub(r"(://[^/:]*):.*@", r"\1:***@", argument) for argument in arguments)])


def _usage(error: click.ClickException, arguments: list[str], choices: Choices) -> int:
    # The option may stand behind the mistake, where it was never read.
    if "--format=json" in arguments or ("--format", "json") in pairwise(arguments):
        choices.format = "json"
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"\nTry '{error.ctx.command_path} --help'."
    return _failed(error, error.format_message(), codes.USAGE, choices, {}, hint)


def _unexpected(error: Exception, choices: Choices) -> int:
    if choices.debug or os.environ.get("WCH_DEBUG", "") not in ("", "0"):
        Output(choices).error("".join(traceback.format_exception(error)).rstrip())
    said = " ".join(str(error).split())
    return _failed(error, f"{type(error).__name__}: {said}", codes.FAILED, choices, {}, " (--debug shows where)")


def _failed(
    error: BaseException, message: str, code: int, choices: Choices, attributes: dict[str, Any], hint: str = ""
) -> int:
    out = Output(choices)
    out.error(f"Error: {message}{hint}")
    if out.structured:
        out.document({"error": {"type": type(error).__name__, "message": message, "exit_code": code, **attributes}})
    return code


class _Lines(logging.Handler):
    """The library's log records as plain lines on stderr, wherever that is at the moment."""

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING or not self._choices.quiet:
            Output(self._choices).error(record.getMessage())


def _log_to_stderr(choices: Choices) -> logging.Handler:
    logger = logging.getLogger("wch_peewee")
    logger.setLevel(logging.INFO)
    handler = _Lines(choices)
    logger.addHandler(handler)
    return handler
