"""``python -m wch_peewee.testing``: examine migrations, print the table on stdout and the progress on stderr."""

import argparse
import importlib
import shutil
import sys
import tempfile
from pathlib import Path

from ..errors import WchError
from ..migrate.folder import migrations_folder
from .bench import our_migrations, stock_migrations
from .examination import ExaminationFailed, Populate, Verdict, examine_at
from .scratch import choose_engines, scratch_database


def tick(text: str) -> None:
    """Replace the line on a terminal's stderr."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if everything converged, 1 if not, 2 after an error; a comparison (``--stock``) always returns 0."""
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
    for engine in choose_engines(options.engines.split(",") if options.engines else None):
        with scratch_database(engine) as scratch:
            verdict += examine_at(
                scratch,
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
    # The current folder is on the path, as for ``python -m``.
    sys.path.insert(0, "")
    found: Populate = getattr(importlib.import_module(module), function)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
