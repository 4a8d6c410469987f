"""LOGIN: user name and password, each asked for on its own. Outlook and old printers know nothing else.

Standards: draft-murchison-sasl-login-00 §2.
           Not its "User Name" with a NUL: all servers ask as below, and some clients compare.
Faults:    SaslFault.
"""

from posthaus.proto.sasl.fault import SaslFault

ASK_NAME = b"Username:"
ASK_PASSWORD = b"Password:"


class LoginServer:
    """start(), then step() with each response until `name` and `password` are both there."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.password: str | None = None

    def start(self) -> bytes:
        return ASK_NAME

    def step(self, response: bytes) -> bytes | None:
        """The next question, or None when there is none."""
        try:
            text = response.decode("utf-8")
        except UnicodeDecodeError:
            raise SaslFault("login-utf8") from None
        text = text.rstrip("\0")  # the draft's NUL
        if not text or "\0" in text:
            raise SaslFault("login-grammar")
        if self.name is None:
            self.name = text
            return ASK_PASSWORD
        self.password = text
        return None
