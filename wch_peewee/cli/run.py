"""Run ``wch`` and turn every ending into an exit code; a traceback is printed only on request."""

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
from .app import Interrupted, wch
from .options import Choices, ExitCode
from .output import NotConfirmed, Output, flush


def main() -> NoReturn:
    """The entry point of the command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code: ``run(["status", "--format", "json"])``."""
    choices = Choices()
    logger = logging.getLogger("wch_peewee")
    logger.setLevel(logging.INFO)
    handler = _LogHandler(choices)
    logger.addHandler(handler)
    try:
        code = _run(list(arguments), choices)
        flush()
        return code
    except Exception as error:  # stdout itself, on a full disk
        choices.format = None
        return _unexpected(choices, error)
    finally:
        logger.removeHandler(handler)


def _run(arguments: list[str], choices: Choices) -> int:
    try:
        result = wch.main(arguments, prog_name="wch", standalone_mode=False, obj=choices)
        return result if isinstance(result, int) else ExitCode.FINE
    except (Interrupted, KeyboardInterrupt, click.Abort) as error:
        return _failed(choices, error, ExitCode.INTERRUPTED, "Interrupted; wch status shows what is in place.")
    except click.ClickException as error:
        return _usage(choices, error, arguments)
    except NotConfirmed as error:
        return _failed(choices, error, ExitCode.FAILED, str(error))
    except WchError as error:
        if isinstance(error, RunStopped):
            error.command = _without_password(arguments)
        attributes = {key: value for key, value in vars(error).items() if not key.startswith("_")}
        return _failed(choices, error, error.exit_code, str(error), attributes=attributes)
    except Exception as error:
        return _unexpected(choices, error)


def _without_password(arguments: list[str]) -> str:
    """Return the command as it was typed, with the password masked."""
    return shlex.join(["wch", *(re.sub(r"(://[^/:]*):.*@", r"\1:***@", argument) for argument in arguments)])


def _usage(choices: Choices, error: click.ClickException, arguments: list[str]) -> int:
    # The option may follow the mistake, where click has not read it.
    if "--format=json" in arguments or ("--format", "json") in pairwise(arguments):
        choices.format = "json"
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"\nTry '{error.ctx.command_path} --help'."
    return _failed(choices, error, ExitCode.USAGE, error.format_message(), hint)


def _unexpected(choices: Choices, error: Exception) -> int:
    if choices.debug or os.environ.get("WCH_DEBUG", "") not in ("", "0"):
        Output(choices).error("".join(traceback.format_exception(error)).rstrip())
    message = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return _failed(choices, error, ExitCode.FAILED, message, " (--debug shows where)")


def _failed(
    choices: Choices,
    error: BaseException,
    code: int,
    message: str,
    hint: str = "",
    attributes: dict[str, Any] | None = None,
) -> int:
    out = Output(choices)
    out.error(f"Error: {message}{hint}")
    if out.structured:
        facts = {"type": type(error).__name__, "message": message, "exit_code": code, **(attributes or {})}
        out.document({"error": facts})
    return code


class _LogHandler(logging.Handler):
    """Prints the library's log records as plain lines on the current stderr."""

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING or not self._choices.quiet:
            Output(self._choices).error(record.getMessage())
