"""Tell the host of an option that a run has written or deleted: a cache in front of the options table is its own.

    with option_news(hook) as watched:
        run_in_workspace(watched(work), database, "wp_")

The hook is called when the run is over, its lock is free and the row can be read by everybody. ``value`` is None for
an option that was deleted, and the prefix of the moment (``site.current_prefix``) is that of the options table. It is
told of what stays, also when the run fails behind it, and of a write whose connection was lost in the middle, which may
have been done. What the hook raises is logged and goes no further: the upgrade is done, and an error would say that it
is not. A process that is killed in this moment tells nobody.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from ..execution.context import Workspace
from ..models.site import switch_prefix

#: Called with the option's name and its new value.
OptionWritten = Callable[[str, str | None], None]

Work = Callable[[Workspace], Any]

logger = logging.getLogger("wch_peewee")


@contextlib.contextmanager
def option_news(hook: OptionWritten | None) -> Iterator[Callable[[Work], Work]]:
    """Give a wrapper for a run's work; call ``hook`` at the end of the block for each option that it has written."""
    seen: list[Workspace] = []

    def watched(work: Work) -> Work:
        def watching(workspace: Workspace) -> Any:
            # SQLite may undo it all and do it again: the last one counts.
            seen[:] = [workspace]
            return work(workspace)

        return watching

    failed = True
    try:
        yield watched
        failed = False
    finally:
        if hook is not None and seen and not (failed and seen[0].dialect.transactional_ddl):
            for name, value in seen[0].options.items():
                with switch_prefix(seen[0].prefix):
                    _tell(hook, name, value)


def _tell(hook: OptionWritten, name: str, value: str | None) -> None:
    try:
        hook(name, value)
    except Exception:
        done = "was deleted" if value is None else f"was set to {value}"
        logger.exception("%s %s, and on_option_written failed; what caches it may show the old value", name, done)
