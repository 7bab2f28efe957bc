"""The protocol with a peer: answers, errors and endings, with small programs instead of the real ones."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.peers import peer as peers
from benchmarks.peers.peer import PEERS, Answer, Peer, PeerFailed, cold_command, titles
from benchmarks.peers.serving import Database, enum_sql, parse_url, redact

FOLDER = Path(peers.__file__).parent
SECRET = "s3cret/word"
URL = "mysql://shop:s3cret%2Fword@127.0.0.1:3307/shop"

Started = Callable[..., Peer]

#: A peer that says what it is told to, one line for each command.
PARROT = """
import sys
for line, said in zip(sys.stdin, sys.argv[1:]):
    print(said, flush=True)
sys.exit("one\\nthe last words hold s3cret/word and s3cret%2Fword")
"""

#: A peer by means of ``serving``.
SERVED = f"""
import sys
sys.path.insert(0, {str(FOLDER)!r})
from serving import Program, Unsupported, main

class Toy(Program):
    lacking = "it is a toy"

    def __init__(self, database):
        if database.name == "gone":
            raise OSError("no way to " + database.password)
        super().__init__(database)

    def warm(self):
        print("noise")

    def anything_to_do(self):
        return lambda: False

    def add_column(self, name):
        if name == "bad":
            raise ValueError("not with\\n" + self.database.password)
        return lambda: print("noise")

sys.exit(main(Toy))
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Started]:
    """Start a program with arguments as a peer; it is closed after the test."""
    with ExitStack() as stack:

        def start(source: str, *arguments: str, url: str = URL, timeout: float = 30) -> Peer:
            program = tmp_path / "program.py"
            program.write_text(source)
            command = (sys.executable, str(program), *arguments)
            return stack.enter_context(Peer("toy", command, url, timeout=timeout))

        yield start


def test_answers(start: Started) -> None:
    peer = start(PARROT, '{"seconds": 0.5}', '{"seconds": 1, "answer": false}', '{"unsupported": "no versions"}')
    assert peer.ask(do="activate") == Answer(seconds=0.5)
    assert peer.ask(do="anything_to_do") == Answer(seconds=1.0, answer=False)
    assert peer.ask(do="activate") == Answer(unsupported="no versions")


def test_an_error_is_raised_and_the_peer_goes_on(start: Started) -> None:
    peer = start(PARROT, '{"error": "Denied: s3cret/word"}', '{"seconds": 2}')
    with pytest.raises(PeerFailed) as caught:
        peer.ask(do="activate")
    assert str(caught.value) == "toy: activate: Denied: ***"
    assert peer.ask(do="activate").seconds == 2


def test_death_gives_the_last_line_without_the_password(start: Started) -> None:
    peer = start(PARROT)
    with pytest.raises(PeerFailed) as caught:
        peer.ask(do="activate")
    assert str(caught.value) == "toy: it ended with status 1: the last words hold *** and ***"
    with pytest.raises(PeerFailed, match="it ended with status 1"):
        peer.ask(do="activate")


@pytest.mark.parametrize("said", ["hello", "[1]", '"error"', "7", '{"seconds": null}', "{}"])
def test_garbage(start: Started, said: str) -> None:
    peer = start(PARROT, said, '{"seconds": 2}')
    with pytest.raises(PeerFailed, match="toy: activate: what it said is no answer"):
        peer.ask(do="activate")
    with pytest.raises(PeerFailed, match="it ended"):
        peer.ask(do="activate")


def test_silence_has_an_end(start: Started) -> None:
    peer = start("import time; time.sleep(60)", timeout=0.2)
    begin = time.monotonic()
    with pytest.raises(PeerFailed, match=r"toy: activate: no answer in 0\.2 seconds"):
        peer.ask(do="activate")
    assert time.monotonic() - begin < 20


def test_much_on_stderr_blocks_nobody(start: Started) -> None:
    peer = start(
        "import sys\nfor _ in sys.stdin: sys.stderr.write('x' * 1000000); print('{\"seconds\": 1}', flush=True)"
    )
    assert peer.ask(do="activate").seconds == 1


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(PeerFailed, match="toy could not be started"):
        Peer("toy", [str(tmp_path / "python")], URL)


def test_the_url_is_in_no_argument(start: Started) -> None:
    peer = start("import json, os, sys\nprint(json.dumps({'error': str([sys.argv, sorted(os.environ)])}), flush=True)")
    with pytest.raises(PeerFailed) as caught:
        peer.ask(do="activate")
    assert "mysql://" not in str(caught.value)
    assert "WCH_PEER_DATABASE" in str(caught.value)
    assert "PYTHON" not in str(caught.value)


def test_serving(start: Started) -> None:
    peer = start(SERVED)
    asked = peer.ask(do="anything_to_do")
    assert asked.answer is False
    assert asked.seconds is not None
    assert peer.ask(do="add_column", name="note").seconds is not None
    assert peer.ask(do="activate") == Answer(unsupported="it is a toy")
    with pytest.raises(PeerFailed) as caught:
        peer.ask(do="add_column", name="bad")
    assert str(caught.value) == "toy: add_column: ValueError: not with ***"
    with pytest.raises(PeerFailed, match="unknown command 'warm'"):
        peer.ask(do="warm")
    with pytest.raises(PeerFailed, match="TypeError"):
        peer.ask(do="add_column")
    assert peer.ask(do="anything_to_do").answer is False


def test_serving_where_it_cannot_connect(start: Started) -> None:
    peer = start(SERVED, url="mysql://shop:s3cret%2Fword@127.0.0.1/gone")
    with pytest.raises(PeerFailed) as caught:
        peer.ask(do="activate")
    assert str(caught.value) == "toy: it ended with status 1: OSError: no way to ***"


def test_serving_cold(start: Started, tmp_path: Path) -> None:
    start(SERVED).close()
    command = cold_command("alembic", Path(sys.executable), URL)
    assert command.arguments[1:] == (str(FOLDER / "alembic_peer.py"), "cold")
    arguments = [sys.executable, str(tmp_path / "program.py"), "cold"]
    done = subprocess.run(arguments, env=command.environment, capture_output=True, text=True, check=True)
    assert done.stdout == '{"answer": false}\n'


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("sqlite:////srv/a%20b.db", Database(path="/srv/a b.db")),
        (URL, Database(host="127.0.0.1", port=3307, user="shop", password=SECRET, name="shop")),
        ("mysql://root@localhost/shop", Database(host="localhost", user="root", name="shop")),
    ],
)
def test_urls(url: str, database: Database) -> None:
    assert parse_url(url) == database
    assert SECRET not in repr(database)


@pytest.mark.parametrize("url", ["", "s3cret", "postgres://u:s3cret@h/n", "mysql://u:s3cret@h:port/n", "sqlite://"])
def test_an_unreadable_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        parse_url(url)
    assert "s3cret" not in str(caught.value)


def test_redact() -> None:
    assert redact("a b%40c b@c", "b@c") == "a *** ***"
    assert redact("as it is", "") == "as it is"


def test_enum_sql() -> None:
    assert enum_sql(["sent", "it's"]) == "enum('sent', 'it''s')"


def test_titles_of_an_environment_without_the_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = (peers.PeerSpec("toy", "Toy {no-such-package-at-all}", ("no-such-package-at-all",)),)
    monkeypatch.setattr(peers, "PEERS", nowhere)
    with pytest.raises(PeerFailed, match="no-such-package-at-all"):
        titles(Path(sys.executable))


def test_titles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PEERS", (peers.PeerSpec("toy", "Pytest {pytest}", ("pytest",)),))
    assert titles(Path(sys.executable)) == {"toy": f"Pytest {pytest.__version__}"}


@pytest.mark.parametrize("spec", PEERS, ids=lambda spec: spec.name)
def test_every_peer_has_its_program_and_requirement(spec: peers.PeerSpec) -> None:
    assert spec.program.exists()
    required = (FOLDER / "requirements.txt").read_text()
    assert all(f"{package}>=" in required for package in spec.packages)
    assert json.dumps(spec.title.format_map(dict.fromkeys(spec.packages, "1.0")))


def test_the_programs_import_nothing_of_ours() -> None:
    ours = {"wch_peewee", "benchmarks", "tests", "migrations"}
    programs = [path for path in FOLDER.rglob("*.py") if path.name not in ("peer.py", "environment.py", "__init__.py")]
    assert len(programs) >= 10
    for program in programs:
        for node in ast.walk(ast.parse(program.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, program
                names = [node.module or ""]
            assert not ours & {name.partition(".")[0] for name in names}, program
