"""Which collation our tables and sessions have, so that they meet the site's own tables and hold emoji.

Columns of two utf8mb4 collations cannot be compared (error 1267), so ours follow the site's. Columns of another
charset can: MariaDB 10.11 and 11.8 and MySQL 9.7 convert utf8mb3 and latin1 to utf8mb4 on their own in a join, an IN
and a UNION. So on a site from before utf8mb4 our tables need not be as narrow as its own.
"""

from __future__ import annotations

#: What WordPress itself installs with, and connects with, on every supported server.
DEFAULT_COLLATION = "utf8mb4_unicode_520_ci"


def collation_beside(site: str | None) -> str:
    """Return the collation for our tables beside those of a site; None is a site that is not there yet."""
    return site if site and site.startswith("utf8mb4_") else DEFAULT_COLLATION
