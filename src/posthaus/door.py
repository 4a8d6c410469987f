"""The doors of the house: which listeners there are, where they stand, and their sockets.

Standards: RFC 8314 §3 (which ports begin with TLS), RFC 6186.
Faults:    Refusal for an address in use or not of this host, from bind_all().
"""

from dataclasses import dataclass
from socket import socket

from posthaus.base.setting import Settings
from posthaus.net.bind import bind


@dataclass(frozen=True, slots=True)
class Door:
    """A listener by its name in the settings."""

    service: str  # smtp, submission, imap or pop3
    protocol: str  # whose certificates and ALPN
    refusal: bytes
    is_tls: bool = False


_SMTP_REFUSAL = b"421 4.7.0 Too many connections\r\n"
_IMAP_REFUSAL = b"* BYE [LIMIT] Too many connections\r\n"
_POP3_REFUSAL = b"-ERR [SYS/TEMP] Too many connections\r\n"

DOORS: dict[str, Door] = {
    "smtp": Door("smtp", "smtp", _SMTP_REFUSAL),
    "submission": Door("submission", "smtp", _SMTP_REFUSAL),
    "submissions": Door("submission", "smtp", _SMTP_REFUSAL, is_tls=True),
    "submission_other": Door("submission", "smtp", _SMTP_REFUSAL),
    "imap": Door("imap", "imap", _IMAP_REFUSAL),
    "imaps": Door("imap", "imap", _IMAP_REFUSAL, is_tls=True),
    "imaps_other": Door("imap", "imap", _IMAP_REFUSAL, is_tls=True),
    "pop3": Door("pop3", "pop3", _POP3_REFUSAL),
    "pop3s": Door("pop3", "pop3", _POP3_REFUSAL, is_tls=True),
}

Bound = tuple[str, socket]
"""A door's name and a listening socket of it."""


def places(settings: Settings) -> list[tuple[str, str, int]]:
    """Door, address and port of each listener that is on."""
    listen = settings.listen
    ports = {name: getattr(listen, name) for name in DOORS}
    return [
        (name, address, port + listen.port_base) for name, port in ports.items() if port for address in listen.addresses
    ]


def bind_all(settings: Settings, *, any_port: bool = False) -> list[Bound]:
    """All of them or none. any_port: on ports that are free, as a test wants it."""
    bound: list[Bound] = []
    try:
        for name, address, port in places(settings):
            bound += [(name, one) for one in bind(address, 0 if any_port else port)]
    except BaseException:
        for _, one in bound:
            one.close()
        raise
    return bound
