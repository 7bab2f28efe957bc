"""A private replication group of three MySQL servers on loopback, with one primary, which is the first one.

It starts in about ten seconds. A killed member is missed after five seconds, which cannot be set; then another one is
the primary.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.support.addresses import ServerAddress, ServerError
from tests.support.cluster import Cluster, Node
from tests.support.concurrency import eventually
from tests.support.server_process import free_ports
from tests.support.server_programs import ServerBinary, installed_servers, running_server

_PLUGIN = "mysql/plugin/group_replication.so"
_NAME = "5f0c1f6e-7d11-4f0e-9d53-0a6c1d2b7e90"
#: The channel through which a member that joins gets what it has missed, and its user.
RECOVER_AS = "CHANGE REPLICATION SOURCE TO SOURCE_USER = '{}' FOR CHANNEL 'group_replication_recovery'"


def group_program() -> ServerBinary | None:
    """Return a MySQL server with the plugin: the installed one, or that of a server in WCH_TEST_SERVERS, or None."""
    servers = [entry.partition("=")[2] for entry in os.environ.get("WCH_TEST_SERVERS", "").split()]
    found = [installed_servers().get("mysql"), *(_program_of(url) for url in servers)]
    return next((program for program in found if program is not None and _has_plugin(program)), None)


def _program_of(url: str) -> ServerBinary | None:
    try:
        address = ServerAddress.parse(url)
    except ServerError:
        return None  # choose_engines() says what is wrong with it
    program = running_server(address.port) if address.host in ("127.0.0.1", "localhost") else None
    return program if program is not None and program.family == "mysql" else None


def _has_plugin(program: ServerBinary) -> bool:
    places = (Path("usr/lib"), Path("usr/lib64"))
    return any(((program.root or Path("/")) / place / _PLUGIN).exists() for place in places)


def missing_group() -> str:
    """Return what is missing on this machine to start a group, or an empty text."""
    return "" if group_program() else "no MySQL server with the plugin group_replication is installed"


class Member(Node):
    """One server of the group."""

    def __init__(self, number: int, group: ReplicationGroup, port: int) -> None:
        super().__init__(number, group.engine, group.program, group.folder, port)
        self._group = group
        self.group_address = ""

    def begin(self, *options: str) -> None:
        # Another one each time: where a dead member was, the others try to reach it for seconds before one can join.
        self.group_address = f"127.0.0.1:{free_ports(1)[0]}"
        super().begin(*options)

    @property
    def place(self) -> str:
        """Its address, as the group's members write it."""
        return f"{self.address.host}:{self.address.port}"

    def members(self) -> dict[str, tuple[str, str]]:
        """Return state and role of each member by its place, as this one sees them."""
        rows = self.ask(
            "SELECT CONCAT(MEMBER_HOST, ':', MEMBER_PORT), MEMBER_STATE, MEMBER_ROLE "
            "FROM performance_schema.replication_group_members"
        )
        return {str(place): (str(state), str(role)) for place, state, role in rows}

    @property
    def state(self) -> str:
        return self.members()[self.place][0]

    def is_ready(self) -> bool:
        return self.state == "ONLINE"

    def has_majority(self) -> bool:
        states = [state for state, _ in self.members().values()]
        return 2 * states.count("UNREACHABLE") < len(states)

    def is_primary(self) -> bool:
        """Return True if it takes writes as the group's primary."""
        return self.members()[self.place][1] == "PRIMARY" and self.ask("SELECT @@super_read_only") == [(0,)]

    def join(self) -> None:
        """Join the group, and wait until it has caught up. Raises ServerError."""
        self.ask(f"SET GLOBAL group_replication_group_seeds = '{self._group.seeds()}'")
        self.ask("START GROUP_REPLICATION")
        self.wait_until_ready()

    def leave(self) -> None:
        """Leave the group, and no longer refuse logins if it has left in an error."""
        self.ask("STOP GROUP_REPLICATION")
        self.ask("SET GLOBAL offline_mode = OFF")

    def wait_until_answering(self) -> None:
        """Wait until the server answers, in the group or not. Raises ServerError."""
        self.wait_until(lambda: self.ask("SELECT 1"))

    def wait_until_expelled(self) -> None:
        """Wait until the member knows that it is out, and admits administrators only. Raises ServerError."""
        # Whoever is just logging in then can lose the connection.
        self.wait_until(lambda: self.state == "ERROR" and self.ask("SELECT @@offline_mode") == [(1,)])

    def _options(self) -> list[str]:
        return [
            f"--server-id={self.number}",
            "--log-bin=binlog",
            "--sync-binlog=0",
            "--gtid-mode=ON",
            "--enforce-gtid-consistency=ON",
            "--report-host=127.0.0.1",
            f"--report-port={self.address.port}",
            "--plugin-load-add=group_replication.so",
            f"--group-replication-group-name={_NAME}",
            f"--group-replication-local-address={self.group_address}",
            "--group-replication-start-on-boot=OFF",
            # Who is not seen any more is out at once, and comes back when it is told to.
            "--group-replication-member-expel-timeout=0",
            "--group-replication-autorejoin-tries=0",
            "--group-replication-recovery-get-public-key=ON",
        ]


class ReplicationGroup(Cluster[Member]):
    """Three members, numbered from 1, of which the first is the primary."""

    def __init__(self) -> None:
        program = group_program()
        assert program is not None, missing_group()
        super().__init__("group", program)
        self.nodes = [Member(number, self, port) for number, port in enumerate(free_ports(3), start=1)]

    def start_all(self) -> None:
        first, *others = self.nodes
        first.create_data()
        # It holds the server's name, which each makes up for itself.
        (first.folder / "data" / "auto.cnf").unlink()
        for member in others:
            shutil.copytree(first.folder, member.folder)
        for member in self.nodes:
            member.begin()
        for member in self.nodes:
            member.wait_until_answering()
            member.ask(RECOVER_AS.format("root"))
        self._bootstrap(first)
        for member in others:
            member.join()
        self.wait_for_size(3)

    def seeds(self) -> str:
        """Return where a member that joins may ask for the group."""
        return ",".join(member.group_address for member in self.alive)

    def _bootstrap(self, member: Member) -> None:
        member.ask("SET GLOBAL group_replication_bootstrap_group = ON")
        member.join()
        member.ask("SET GLOBAL group_replication_bootstrap_group = OFF")

    def start(self, number: int) -> None:
        member = self.node(number)
        others = self.alive
        member.begin()
        member.wait_until_answering()
        # It cannot join while the others still wait for its dead self.
        self.wait_for_size(len(others), seen_by=others)
        member.join()

    def primary(self) -> Member:
        """Wait until there is a primary among the living members, and return it."""
        found: list[Member] = eventually(lambda: [member for member in self.alive if member.is_primary()])
        return found[0]

    def switch_to(self, number: int) -> None:
        """Make another member the primary, as an administrator would. Raises the driver's error."""
        ((name,),) = self.node(number).ask("SELECT @@server_uuid")
        self.primary().ask(f"SELECT group_replication_set_as_primary('{name}')")

    def begin_again(self, number: int) -> None:
        """Make a member that has lost its majority a group of its own, as an administrator would."""
        member = self.node(number)
        member.ask(f"SET GLOBAL group_replication_force_members = '{member.group_address}'")
        member.ask("SET GLOBAL group_replication_force_members = ''")
        self.wait_for_size(1)

    def heal(self) -> None:
        """Have each member ONLINE again, and the first as primary."""
        if not self.alive:
            raise ServerError("all members of the group are dead")
        if not self.alive[0].has_majority():
            self.begin_again(self.alive[0].number)
        eventually(self._mend)
        if not self.node(1).is_primary():
            self.switch_to(1)

    def _mend(self) -> bool:
        """Bring back each member that is out; return True if none is, as all of them see it."""
        for member in self.nodes:
            if not member.is_running:
                member.kill()
                self.start(member.number)
            elif not member.is_ready():
                member.leave()
                member.ask(RECOVER_AS.format("root"))
                member.join()
        return all(
            [state for state, _ in member.members().values()] == ["ONLINE"] * len(self.nodes) for member in self.nodes
        )

    def size_seen_by(self, node: Member) -> int:
        return len(node.members())
