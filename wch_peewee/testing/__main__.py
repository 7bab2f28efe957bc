"""Examine migrations from the command line, and print the table; what is being tried goes to stderr.

    python -m wch_peewee.testing --migrations migrations --markdown

Exits with 0 when everything converged, with 1 when not, and always with 0 for a comparison (``--stock``).
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import tempfile
from pathlib import Path

from ..errors import WchError
from ..migrate.folder import migrations_folder
from .examination import ExaminationFailed, Populate, examine_at
from .scratch import choose, open_place
from .subjects import our_migrations, stock_migrations
from .verdict import Verdict


def tick(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="wch-migrations-") as together:
            verdict = _examine(options, _one_folder(options.migrations, Path(together)))
    except (WchError, ExaminationFailed) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    sys.stdout.write(f"{verdict.markdown() if options.markdown else verdict}\n")
    return 0 if verdict.ok or options.stock else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wch_peewee.testing",
        description="Run migrations twice, there and back, killed at every write, and two at once.",
    )
    parser.add_argument(
        "--migrations",
        action="append",
        type=Path,
        metavar="FOLDER",
        help="the migrations; several folders are put together (default: the shipped ones)",
    )
    parser.add_argument(
        "--populate", metavar="MODULE:FUNCTION", help="fills rows, called with the database and the prefix"
    )
    parser.add_argument("--after", type=int, default=1, metavar="N", help="populate after the first N migrations (1)")
    parser.add_argument("--engines", metavar="NAME,...", help="sqlite, names of WCH_TEST_SERVERS, or name=mysql://...")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="kill at every Nth point only (1: all)")
    parser.add_argument("--prefix", default="wp_", help="the table prefix (wp_)")
    parser.add_argument("--stock", action="store_true", help="use peewee-migrate's own Router, to compare")
    parser.add_argument("--markdown", action="store_true", help="print the table alone, for a page")
    return parser


def _examine(options: argparse.Namespace, folder: Path) -> Verdict:
    subject = (stock_migrations if options.stock else our_migrations)(folder, options.prefix)
    verdict = Verdict(())
    for engine in choose(options.engines.split(",") if options.engines else None):
        with open_place(engine) as place:
            verdict += examine_at(
                place,
                subject,
                populate=_named(options.populate),
                after=options.after,
                every=options.every,
                to_the_end=True,
                progress=tick,
            )
    tick("")
    return verdict


def _one_folder(folders: list[Path] | None, together: Path) -> Path:
    chosen = folders or [migrations_folder()]
    if len(chosen) == 1:
        return chosen[0]
    for folder in chosen:
        for file in folder.glob("[0-9]*.py"):
            shutil.copy(file, together)
    return together


def _named(words: str | None) -> Populate | None:
    if words is None:
        return None
    module, _, function = words.partition(":")
    # As with ``python -m`` and ``python script.py``, the current folder counts.
    sys.path.insert(0, "")
    found: Populate = getattr(importlib.import_module(module), function)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
