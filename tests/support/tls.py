"""One TLS context for all the connections that PyMySQL opens in a test process, and in what it forks.

To make one, the machine's certificate authorities are loaded: some 40 ms for each connection, of which the tests open
thousands, and which is more than most of them do with it. What is asked of the server is the same.
"""

from __future__ import annotations

import ssl
from typing import Any

from pymysql.connections import Connection


def share_context() -> None:
    """Make PyMySQL's own context once where nothing is said of TLS; whoever names files or checks gets a fresh one."""
    connection_class: Any = Connection
    make = connection_class._create_ssl_ctx
    shared: list[ssl.SSLContext] = []

    def create(connection: Any, wanted: Any) -> Any:
        if wanted:
            return make(connection, wanted)
        if not shared:
            shared.append(make(connection, wanted))
        return shared[0]

    connection_class._create_ssl_ctx = create
