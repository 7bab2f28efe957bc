"""One TLS context for all connections that PyMySQL opens in a test process and its forks.

Creating one loads the machine's certificate authorities, about 40 ms; the tests open thousands of connections. What
is asked of the server is the same.
"""

from __future__ import annotations

import ssl
from typing import Any

from pymysql.connections import Connection


def share_context() -> None:
    """Create the context once for connections without TLS settings; those with settings still get their own."""
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
