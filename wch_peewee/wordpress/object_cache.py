"""Advice on a persistent object cache in front of WordPress's options."""

import shlex
from pathlib import Path

from ..models.namespace import WCH

#: Beside its own name, the cache keys that hold an option, all in the group ``options``: the options that are loaded
#: at once, and those that are known to be missing.
COLLECTIONS = ("alloptions", "notoptions")


def object_cache_dropin(site: Path, *, content: Path | None = None) -> Path | None:
    """Return the drop-in of the site in folder ``site``, or None.

    ``content`` is WP_CONTENT_DIR if that is not the site's ``wp-content``.
    """
    dropin = (site / "wp-content" if content is None else content) / "object-cache.php"
    return dropin if dropin.is_file() else None


def object_cache_advice(
    site: Path, *, content: Path | None = None, option: str = WCH.version_option, url: str | None = None
) -> tuple[str, ...]:
    """Return advice for clearing the site's persistent object cache, or an empty list if there is none.

    With a drop-in ``wp-content/object-cache.php`` PHP reads options from the cache and does not see what others
    write to the table. After an upgrade it still finds the old ``wch_db_version``, upgrades on every admin request, and
    cannot write the new version: its UPDATE changes no row, and then WordPress does not refresh the cache. This never
    ends by itself. Only PHP, or the cache's own tools, can clear it.

    ``option`` has been written. ``url`` names one site of a multisite network, as wp-cli knows it.
    """
    dropin = object_cache_dropin(site, content=content)
    if dropin is None:
        return ()
    where = f"--path={shlex.quote(str(site))}" + (f" --url={shlex.quote(url)}" if url else "")
    return (
        f"{dropin} is a persistent object cache: PHP may go on reading an old {option} from it. Clear it with wp-cli:",
        *(f"  wp cache delete {key} options {where}" for key in (option, *COLLECTIONS)),
        "or, with everything else that is in it:",
        f"  wp cache flush {where}",
    )
