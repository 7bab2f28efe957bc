"""Directives for the reference of the command: options and help texts from click, JSON fields from the schema."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from wch_peewee.cli.app import wch
from wch_peewee.cli.options import EXIT_CODES


class Commands(SphinxDirective):
    """A section for each command; the shared options come once, before them."""

    def run(self) -> list[nodes.Node]:
        context = click.Context(wch, info_name="wch")
        shared = {option for parameter in wch.params for option in parameter.opts}
        lines = ["## Options of every command", "", *_options(wch, set())]
        for name in wch.list_commands(context):
            command = wch.get_command(context, name)
            assert command is not None
            lines += [f"## wch {name}", "", *_help(command), "", *_options(command, shared)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


class ExitCodes(SphinxDirective):
    """The table of exit codes."""

    def run(self) -> list[nodes.Node]:
        rows = [f"| {int(code)} | {meaning} |" for code, meaning in EXIT_CODES.items()]
        return self.parse_text_to_nodes("\n".join(["| exit code | meaning |", "|---|---|", *rows]))


class OutputFields(SphinxDirective):
    """A section for each definition of output.schema.json: the commands' documents, or with ``parts`` the rest."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir, "output.schema.json")
        self.env.note_dependency(str(path))
        definitions = json.loads(path.read_text(encoding="utf-8"))["$defs"]
        lines = []
        for name, one in definitions.items():
            if (name == "error" or one["title"].startswith("wch ")) == bool(self.arguments):
                continue
            lines += [f"({_anchor(name)})=", f"### {one['title']}", "", one.get("description", ""), ""]
            lines += ["| field | type | meaning |", "|---|---|---|", *_fields(one), ""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _fields(one: dict[str, Any], outer: str = "") -> Iterator[str]:
    for name, value in one["properties"].items():
        optional = "" if name in one["required"] else ", not always there"
        yield f"| `{outer}{name}` | {_type(value)}{optional} | {value.get('description', '')} |"
        if "properties" in value:
            yield from _fields(value, f"{outer}{name}.")


def _type(value: dict[str, Any]) -> str:
    """Return a schema's type in words, with links to the definitions that it names."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    if "anyOf" in value:
        return " or ".join(map(_type, value["anyOf"]))
    if "enum" in value:
        return " or ".join("null" if one is None else f"`{json.dumps(one)}`" for one in value["enum"])
    if "additionalProperties" in value and "properties" not in value:
        return f"object, {_type(value['additionalProperties'])} by name"
    if "type" not in value:
        return "any value"
    types = value["type"] if isinstance(value["type"], list) else [value["type"]]
    words = [f"array of {_type(value['items'])}" if one == "array" and "items" in value else one for one in types]
    return " or ".join(words)


def _anchor(name: str) -> str:
    return f"json-{name.replace('_', '-')}"


def _help(command: click.Command) -> list[str]:
    """Return the help text as Markdown: click's paragraphs behind a backspace are examples."""
    lines = []
    for paragraph in re.split(r"\n\s*\n", (command.help or "").strip()):
        verbatim = paragraph.startswith("\b")
        text = paragraph.removeprefix("\b").strip("\n")
        lines += ["```sh", *(line.strip() for line in text.splitlines()), "```", ""] if verbatim else [text, ""]
    return lines


def _options(command: click.Command, left_out: set[str]) -> list[str]:
    rows = []
    for parameter in command.params:
        if not isinstance(parameter, click.Option) or set(parameter.opts) <= left_out:
            continue
        value = "" if parameter.is_flag else f" {parameter.make_metavar(click.Context(command))}".replace(" [=", "[=")
        *others, last = parameter.opts
        names = ", ".join(f"`{name}`" for name in (*others, last + value))
        text = " ".join((parameter.help or "").split())
        rows.append("| {} | {} |".format(*(cell.replace("|", "\\|") for cell in (names, text))))
    return ["| option | meaning |", "|---|---|", *rows, ""] if rows else []


def _link_to_index(app: Sphinx, page: str, source: list[str]) -> None:
    """Have links to the README lead to the start page, which includes it."""
    source[0] = source[0].replace("](../README.md", "](index.md")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("commands", Commands)
    app.add_directive("exit-codes", ExitCodes)
    app.add_directive("output-fields", OutputFields)
    app.connect("source-read", _link_to_index)
    return {"parallel_read_safe": True}
