"""The picture of a terminal in the README: real commands with their real output, drawn as SVG.

    python -m tests.support.terminal > docs/terminal.svg

The commands upgrade a database on the first server of MySQL that WCH_TEST_SERVERS names. A test compares the picture.
"""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from tests.support.engines import choose_engines
from tests.support.page_examples import ROOT, Reader, blocks_of, installed_checkout
from wch_peewee import Plugin
from wch_peewee.database.url import parse_url

#: What stands for the address of the test's database.
_SHOWN = "mysql://shop@db.example.com:3306/wordpress"
_COMMANDS = ("wch plan", "wch activate")
_AFTER = "    message_type = EnumField(MessageType)\n"
_COLUMNS, _LINE, _CHARACTER = 118, 19, 8.0
_STYLE = (
    "text { font: 13px/19px ui-monospace, SFMono-Regular, Menlo, monospace; fill: #d4d8dd; white-space: pre } "
    ".typed { fill: #ffffff; font-weight: 600 } .comment { fill: #8fb8de } .done { fill: #8bd49c }"
)


def terminal_picture(checkout: Path, url: str) -> str:
    """Upgrade a small database with the migration of docs/migrations.md; return the picture of it."""
    plugin = Plugin(url)
    plugin.activate()
    conversation = plugin.models.Conversation.create(customer_phone="+49", wa_conversation_id="conv.1")
    common = {"conversation": conversation, "direction": "inbound", "message_type": "text"}
    plugin.models.Message.insert_many([common | {"wa_message_id": f"wamid.{n}"} for n in range(500)]).execute()
    # The plan prints the server's estimate.
    plugin.database.execute_sql("ANALYZE TABLE wp_wch_messages").fetchall()
    plugin.database.close()
    models = checkout / "wch_peewee" / "models" / "tables.py"
    text, change = models.read_text(encoding="utf-8"), '    channel = VarcharField(10, default="whatsapp")\n'
    assert text.count(_AFTER) == 1
    models.write_text(text.replace(_AFTER, _AFTER + change), encoding="utf-8")
    page = blocks_of((ROOT / "docs" / "migrations.md").read_text(encoding="utf-8"))
    lines: list[str] = []
    with Reader(checkout, typed={}, shown={str(parse_url(url)): _SHOWN}) as reader:
        reader.run(next(block for block in page if block.file.startswith("migrations/")))
        reader.environment["WCH_DATABASE_URL"] = url
        for command in _COMMANDS:
            shown = reader.shown_text(reader.command(command))
            lines += [f"$ {command}", *shown.rstrip("\n").splitlines(), ""]
    return _svg([row for line in lines for row in textwrap.wrap(line, _COLUMNS, subsequent_indent="    ") or [""]])


def _svg(lines: list[str]) -> str:
    while not lines[-1]:
        lines.pop()
    width, height = round(_COLUMNS * _CHARACTER) + 32, len(lines) * _LINE + 32
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>wch plan and wch activate in a terminal</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#1d2126"/>',
            *_texts(lines),
            "</svg>\n",
        ]
    )


def _texts(lines: list[str]) -> Iterator[str]:
    classes = {"$ ": "typed", "--": "comment", "Su": "done"}
    for number, line in enumerate(lines, 1):
        kind = f' class="{classes[line[:2]]}"' if line[:2] in classes else ""
        if line:
            yield f'<text x="16" y="{16 + number * _LINE - 5}"{kind}>{escape(line)}</text>'


def main() -> None:
    engines, _ = choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), "mysql")
    engine = engines[0]
    with tempfile.TemporaryDirectory() as folder, engine.fresh(Path(folder)) as database:
        sys.stdout.write(terminal_picture(installed_checkout(Path(folder) / "checkout"), database.url))


if __name__ == "__main__":
    main()
