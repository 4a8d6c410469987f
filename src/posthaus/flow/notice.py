"""A message of the house to its postmaster, put into his INBOX at once.

Standards: RFC 5321 §4.5.1, RFC 3834 §5 (Auto-Submitted).
Faults:    those of flow/ingest.py and of the store.
"""

from posthaus.flow import ingest
from posthaus.flow.route import POSTMASTER, Here, find_route, locals_of
from posthaus.flow.site import Site
from posthaus.mail import compose, trace
from posthaus.mail.address import Address
from posthaus.mail.date import render_date
from posthaus.store import directory, message
from posthaus.store.message import Content, Placing
from posthaus.store.tx import Tx

_ID_LETTERS = 26


async def write_notice(site: Site, here: Here, subject: str, text: str) -> Content:
    """From postmaster to postmaster."""
    postmaster = Address(POSTMASTER, await site.store.read(directory.first_domain))
    octets = (
        compose.address_field("From", "Posthaus", postmaster)
        + compose.address_field("To", "", postmaster)
        + compose.field("Subject", subject)
        + compose.raw_field("Date", render_date(int(site.clock.now())))
        + compose.raw_field("Message-ID", f"<{site.chance.name(_ID_LETTERS)}@{here.hostname}>".encode())
        + compose.raw_field("Auto-Submitted", b"auto-generated")
        + compose.raw_field("MIME-Version", b"1.0")
        + compose.text_part(text)
    )
    prepared = await ingest.prepare(octets)
    return await ingest.content(site, octets, prepared, trace.render_return_path(None))


async def place_notice(tx: Tx, content: Content, here: Here, now: int) -> None:
    """Within a write. A house without any account has no postmaster, and then the log alone tells."""
    found = await find_route(tx, Address(POSTMASTER, ""), here)
    placings = [Placing(local.account_id, local.inbox, 0) for local in locals_of(found)]
    if placings:
        await message.deliver(tx, content, placings, now)
