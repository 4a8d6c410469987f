"""Who has logged in, and the ways in which a log-in can fail.

The texts are the same for an unknown name, a wrong password and a closed account: nothing tells which names exist.

Standards: RFC 4422 §6.
Faults:    this module names them.
"""

from dataclasses import dataclass, field
from typing import Protocol

from posthaus.base.error import Refusal, Trouble


@dataclass(frozen=True, slots=True)
class Identity:
    """An account whose owner has proven that he is."""

    account_id: int
    address: str
    mechanism: str = field(default="", compare=False)  # how: "SCRAM-SHA-256"


class BadCredentials(Refusal):
    """Name and password do not belong together. 535 5.7.8, NO [AUTHENTICATIONFAILED], -ERR [AUTH]."""


class TooManyGuesses(Refusal):
    """This peer, or everybody for this account, has guessed wrong too often. Not even the right password helps now."""


class BadExchange(Refusal):
    """Not the grammar of the mechanism. 501 5.5.2, BAD, -ERR. The text is a word for the log."""


class NoSuchMechanism(Refusal):
    """Not offered here. 504 5.5.4, NO, -ERR."""


class ClearTextRefused(Refusal):
    """A password in the clear, outside of TLS. 538 5.7.11, NO [PRIVACYREQUIRED], -ERR."""


class PasswordUnfit(Refusal):
    """Cannot be anybody's password: empty, too long, or with a character that no protocol carries."""


class LoginBusy(Trouble):
    """Too many passwords wait to be verified. 454 4.7.0, NO [UNAVAILABLE], -ERR [SYS/TEMP]."""


class Exchange(Protocol):
    """One SASL exchange. The session knows base64 and "*", the mechanism knows the rest.

    step(b"") begins where the client gave no initial response; a value of octets is the next challenge.
    """

    async def step(self, response: bytes) -> bytes | Identity: ...
