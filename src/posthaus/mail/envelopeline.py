"""ENVELOPE as it goes to an IMAP client.

Values stay as they are in the header, unfolded: encoded-words are the client's to decode, 8-bit octets go as literals.

  - From, To, Cc, Bcc, Sender, Reply-To that come twice are read as one list (Dovecot's way, and the safe one: a forger
    cannot show one From to the checks and another to the reader). Of other fields the first counts.
  - Sender or Reply-To absent, empty or without an address: From (RFC 9051 §7.5.2).

Standards: RFC 9051 §7.5.2, §9 (envelope).
Faults:    none.
"""

from posthaus.mail.addresslist import HeaderAddress, parse_address_list
from posthaus.mail.header import Header
from posthaus.mail.nstring import nstring


def addresses_of(header: Header, name: bytes) -> list[HeaderAddress]:
    """All addresses of all fields of this (lower-case) name."""
    if name not in header.first:
        return []
    if header.names.count(name) == 1:
        return parse_address_list(header.value(name) or b"")
    return parse_address_list(b",".join(header.values(name)))


def render_envelope(
    header: Header, author: list[HeaderAddress] | None = None, to: list[HeaderAddress] | None = None
) -> bytes:
    """envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP
    env-bcc SP env-in-reply-to SP env-message-id ")"

    `author` and `to` are the lists of From and To, where the caller has them.
    """
    value = header.value
    from_ = render_addresses(addresses_of(header, b"from") if author is None else author)
    first = header.first
    sender = render_addresses(addresses_of(header, b"sender")) if b"sender" in first else b"NIL"
    reply_to = render_addresses(addresses_of(header, b"reply-to")) if b"reply-to" in first else b"NIL"
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(value(b"date")),
        nstring(value(b"subject")),
        from_,
        from_ if sender == b"NIL" else sender,
        from_ if reply_to == b"NIL" else reply_to,
        render_addresses(addresses_of(header, b"to") if to is None else to),
        render_addresses(addresses_of(header, b"cc")) if b"cc" in first else b"NIL",
        render_addresses(addresses_of(header, b"bcc")) if b"bcc" in first else b"NIL",
        nstring(value(b"in-reply-to")),
        nstring(value(b"message-id")),
    )


def render_addresses(addresses: list[HeaderAddress]) -> bytes:
    """ "(" 1*address ")" / nil"""
    if not addresses:
        return b"NIL"
    return b"(%b)" % b"".join([_address(*address) for address in addresses])


def _address(display: bytes | None, route: bytes | None, localpart: bytes | None, domain: bytes | None) -> bytes:
    """address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")" """
    return b"(%b %b %b %b)" % (
        nstring(display),
        b"NIL" if route is None else nstring(route),
        nstring(localpart),
        nstring(domain),
    )
