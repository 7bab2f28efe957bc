"""What a WordPress site puts between PHP and the tables; seen in its folder, without PHP and without the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wordpress.object_cache import object_cache_advice, object_cache_dropin
from .finding import Finding

if TYPE_CHECKING:
    from ..wordpress.site import WordPressSite


def object_cache(site: WordPressSite | None) -> tuple[Finding, ...]:
    """Tell of a persistent object cache; nothing where no site is known, or where it has none."""
    if site is None:
        return ()
    dropin = object_cache_dropin(site.path, content=site.content)
    if dropin is None:
        return ()
    *_, flush = object_cache_advice(site.path, content=site.content)
    advice = f"PHP may not see a new version until the cache is cleared. After each upgrade: {flush.strip()}"
    return (Finding("object cache", "warn", f"{dropin} is there", advice),)
