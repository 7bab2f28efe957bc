"""``wch export``: everything about a person, in the shape of WordPress's personal data exporters."""

import click

from .options import Choices, ExitCode, subcommand
from .session import open_session, site_models


@subcommand("export", short_help="Print everything about a person.")
@click.argument("phone")
def command(choices: Choices, phone: str) -> int:
    """Print everything that the six tables have about the person with this phone. Reads only.

    With --format json it is one document in the shape that WordPress's personal data exporters return.

    \b
      wch export +4915112345678
      wch export +4915112345678 --format json >person.json
    """
    session = open_session(choices)
    with site_models(session) as models:
        document = models.CustomerProfile.export(phone)
    if session.out.structured:
        rows = [{"item_id": item["item_id"], **pair} for item in document["data"] for pair in item["data"]]
        session.out.document({**session.heading, **document}, rows or [dict.fromkeys(("item_id", "name", "value"))])
    elif document["data"]:
        rows_of = ((item["item_id"], pair["name"], pair["value"]) for item in document["data"] for pair in item["data"])
        session.out.table(("row", "column", "value"), rows_of)
    else:
        session.out.line(f"Nothing is stored about {phone}.")
    return ExitCode.FINE
