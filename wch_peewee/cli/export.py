"""``wch export``: everything about a person, in the shape of WordPress's personal data exporters."""

import click

from .options import LISTS, Choices, ExitCode, subcommand
from .session import open_session, site_models


@subcommand("export", formats=LISTS)
@click.argument("phone")
def command(choices: Choices, phone: str) -> int:
    """Print everything about a person, by phone. Reads only.

    With --format json it is one document in the shape that WordPress's personal data exporters return.

    \b
      wch export +4915112345678
      wch export +4915112345678 --format json >person.json
    """
    session = open_session(choices)
    with site_models(session) as models:
        document = models.CustomerProfile.export(phone)
    columns = ("item_id", "name", "value")
    rows = [{"item_id": item["item_id"], **pair} for item in document["data"] for pair in item["data"]]
    if session.out.structured:
        session.out.document({**session.heading, **document}, rows, columns)
    elif rows:
        session.out.listing(rows, columns)
    else:
        session.out.line(f"Nothing is stored about {phone}.")
    return ExitCode.FINE
