"""Which of the private clusters are tested: all that this machine can start, or those that were asked for."""

from __future__ import annotations

from tests.support.addresses import ServerError
from tests.support.galera import missing_galera
from tests.support.group_replication import missing_group

#: By the name under which it is asked for: what is missing to start it, or an empty text.
_MISSING = {"galera": missing_galera, "group": missing_group}


def choose_clusters(asked: str) -> tuple[str, dict[str, str]]:
    """Return the names asked for without the clusters, and one line for each cluster, empty if it is tested.

    ``asked`` is the value of WCH_TEST_ENGINES or --engines. Raises ServerError if a cluster was asked for and cannot be
    started.
    """
    names = asked.replace(",", " ").split()
    lines: dict[str, str] = {}
    for cluster, missing in _MISSING.items():
        why = "was not asked for" if names and cluster not in names else missing()
        if why and cluster in names:
            raise ServerError(f"engine {cluster} was asked for and is not there: {why}")
        lines[cluster] = f"{cluster}: not tested ({why})" if why else ""
    return " ".join(name for name in names if name not in _MISSING), lines
