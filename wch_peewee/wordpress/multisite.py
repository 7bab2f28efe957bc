"""WordPress's sites in a database: their prefixes, and the sites of a network (multisite) from the table ``blogs``."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..database.query import Connection
from ..errors import ConfigurationError
from ..schema.base import Query
from ..schema.naming import as_site, check_prefix, options_table_name

#: The network's main site.
MAIN = 1


@dataclass(frozen=True, slots=True)
class BlogSite:
    """One site of a network."""

    blog_id: int
    prefix: str
    domain: str = ""
    path: str = "/"


def blog_prefix(base: str, blog_id: int) -> str:
    """Return the table prefix of a site, as wpdb's ``get_blog_prefix`` does. Raises ConfigurationError.

    Blog 1 has the network's own prefix, blog N the prefix followed by ``N_``. Names are computed and compared exactly,
    never by pattern: another site's prefix can begin with ours.
    """
    if isinstance(blog_id, bool) or not isinstance(blog_id, int) or blog_id < 0:
        raise ConfigurationError(f"A site's id is a whole number from 1, not {blog_id!r}.")
    return check_prefix(base if blog_id <= MAIN else f"{base}{blog_id}_")


def network_of(connection: Connection, prefix: str) -> str | None:
    """Return the prefix of the network that has a site of this prefix, as its table of sites says; None without one.

    The prefix alone says nothing: another WordPress in the database may have ``wp_2_``, too.
    """
    if (site := as_site(prefix)) is None or not is_network(connection, site[0]):
        return None
    sql = f"SELECT blog_id FROM {connection.dialect.quote(f'{site[0]}blogs')} WHERE blog_id = {site[1]}"
    return site[0] if connection.query(Query(sql)) else None


def require_site(connection: Connection, prefix: str, target: str) -> None:
    """Raise ConfigurationError unless WordPress's options table of this prefix is there."""
    table = options_table_name(prefix)
    if connection.present([table]):
        return
    there = site_prefixes({str(row[0]) for row in connection.query(connection.dialect.all_tables())})
    why = (
        f"WordPress's tables there have the prefix {prefix_list(there, prefix)}; correct the prefix, or the database"
        if there
        else "WordPress is not installed there yet; run its installer first"
    )
    raise ConfigurationError(f"{target}: table {table} does not exist. {why}. Nothing was changed.")


def site_prefixes(tables: Set[str]) -> list[str]:
    """Return the prefixes of WordPress's sites, given all tables of a database: its options lie beside its posts."""
    found = [name.removesuffix("options") for name in tables if name.endswith("options")]
    return [prefix for prefix in found if tables & {f"{prefix}posts", f"{prefix}users"}]


def prefix_list(prefixes: Sequence[str], own: str) -> str:
    """Return prefixes as a text; one that differs from ``own`` only in case is marked, because both look the same."""
    shown = [
        (prefix or "the empty prefix") + (" (in another case)" if prefix.lower() == own.lower() else "")
        for prefix in sorted(prefixes, key=lambda prefix: (prefix.lower() != own.lower(), prefix))[:6]
    ]
    return ", ".join(shown) + (f" and {len(prefixes) - 6} more" if len(prefixes) > 6 else "")


def is_network(connection: Connection, base: str) -> bool:
    """Return True if a network lists its sites beside the tables of this prefix."""
    return bool(connection.present([f"{check_prefix(base)}blogs"]))


def read_sites(connection: Connection, base: str) -> tuple[BlogSite, ...]:
    """Return the sites in use, by id: not those marked as spam, deleted or archived, as in wp-cli.

    Raises ConfigurationError if this is not a network, or one without a site.
    """
    table = f"{check_prefix(base)}blogs"
    if not is_network(connection, base):
        raise ConfigurationError(
            f"Table {table} does not exist: this is not a WordPress network, or the prefix is wrong."
        )
    sql = (
        f"SELECT blog_id, domain, path FROM {connection.dialect.quote(table)} "
        "WHERE spam = 0 AND deleted = 0 AND archived = 0 ORDER BY blog_id"
    )
    sites = tuple(
        BlogSite(int(number), blog_prefix(base, int(number)), str(domain), str(path))
        for number, domain, path in connection.query(Query(sql))
    )
    if not sites:
        raise ConfigurationError(f"{table} lists no active site.")
    return sites


def site_at(sites: Iterable[BlogSite], url: str) -> BlogSite:
    """Return the site at an address such as ``https://example.com/shop``. Raises ConfigurationError."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        raise ConfigurationError(f"--url is {url!r}; expected an address such as https://example.com/shop.") from None
    wanted = (parts.netloc.rpartition("@")[2].lower(), f"/{parts.path.strip('/')}/".replace("//", "/"))
    for site in sites:
        if (site.domain.lower(), site.path) == wanted:
            return site
    raise ConfigurationError(f"The network has no site at {wanted[0]}{wanted[1]}.")
