"""What is to be said of the WordPress site that a command works for: a cache in front of its options, its own db.php.

manager.on_option_written = cache_notes(site, note)
"""

from __future__ import annotations

from collections.abc import Callable

from ..doctor import Finding
from ..option_news import OptionWritten
from ..wordpress.config import WordPressSite
from ..wordpress.object_cache import object_cache_advice, object_cache_dropin
from ..wordpress.options import VERSION_OPTION


def cache_notes(site: WordPressSite, note: Callable[[str], None], url: str | None = None) -> OptionWritten:
    """Say, once a run, how to clear the site's object cache when the version has been written."""
    said: set[str] = set()

    def written(name: str, value: str | None) -> None:
        if name != VERSION_OPTION:
            return
        for line in object_cache_advice(site.path, content=site.content, option=name, url=url):
            if line not in said:
                said.add(line)
                note(line)

    return written


def site_findings(site: WordPressSite, url: str | None = None) -> tuple[Finding, ...]:
    """What the doctor says of the site's folder."""
    dropin = object_cache_dropin(site.path, content=site.content)
    if dropin is None:
        cache = Finding("object cache", "ok", "there is no persistent one in front of the options")
    else:
        lines = object_cache_advice(site.path, content=site.content, url=url)
        advice = "After an upgrade: " + "; ".join(line.strip() for line in lines[1:4])
        cache = Finding("object cache", "warn", f"{dropin}: PHP may go on reading an old version from it", advice)
    if not site.own_database_layer:
        return (cache,)
    layer = "wp-content/db.php is there: WordPress may connect elsewhere than wp-config.php says"
    return cache, Finding("db.php", "warn", layer, "Give the database that it connects to: --database URL.")
