"""``python -m wch_peewee.testing``: examine migrations, print the table on stdout and the progress on stderr."""

import argparse
import pkgutil
import sys

from ..errors import WchError
from ..migrate.project import find_project
from .examination import ExaminationFailed, Populate, examine
from .scratch import choose_engines


def tick(text: str) -> None:
    """Replace the line on a terminal's stderr."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if everything converged, 1 if not, 2 after an error."""
    options = _parser().parse_args(arguments)
    try:
        project = find_project(options.models, options.migrations, lambda text: sys.stderr.write(f"{text}\n"))
        folder = project.folder.path
        engines = choose_engines(options.engines.split(",") if options.engines else None)
        verdict = examine(
            folder,
            populate=_named(options.populate),
            engines=engines,
            models=project.models,
            every=options.every,
            progress=tick,
        )
    except ExaminationFailed as error:
        verdict = error.verdict
        if not verdict.results:
            sys.stderr.write(f"Error: {error}\n")
            return 2
    except WchError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    tick("")
    sys.stdout.write(f"Migrations: {folder}\n{verdict}\n")
    return 0 if verdict.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wch_peewee.testing",
        description="Run migrations twice, there and back, killed at every write, and two at once.",
        epilog="Defaults: the variables WCH_MIGRATIONS and WCH_MODELS, [tool.wch] of pyproject.toml, the shipped ones.",
    )
    parser.add_argument("--migrations", metavar="FOLDER", help="the migrations")
    parser.add_argument("--models", metavar="MODULE[:NAME]", help="whose tables they are")
    parser.add_argument(
        "--populate", metavar="MODULE:FUNCTION", help="fills rows, called with the database and the prefix"
    )
    parser.add_argument("--engines", metavar="NAME,...", help="sqlite, names of WCH_TEST_SERVERS, or name=mysql://...")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="kill at every Nth point only (1: all)")
    return parser


def _named(words: str | None) -> Populate | None:
    if words is None:
        return None
    # The current folder is on the path, as for ``python -m``.
    sys.path.insert(0, "")
    found: Populate = pkgutil.resolve_name(words)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
