"""Send real mail through a running server and compare what comes back, octet for octet.

    posthaus init /tmp/p --domain example.test --loopback --port-base 10000
    echo alice@example.test,secret | posthaus -C /tmp/p account import -
    posthaus -C /tmp/p serve &
    python tools/corpus.py ham.tar.xz spam.tar.xz --port-base 10000 --user alice@example.test --password secret

Messages go in by SMTP with line ends made CRLF; they are read again by IMAP and by POP3. After the header lines that
the server puts in front, every octet must be as it was sent. Exit code 1 and the names of the messages where it is not.
"""

import argparse
import hashlib
import imaplib
import poplib
import re
import smtplib
import sys
import tarfile
from collections.abc import Iterator

_SESSION_MESSAGES = 500  # RFC 9422, MAILMAX: a server may not want more in one session
_ENDS = re.compile(rb"\r\n|\r|\n")


def messages(archives: list[str]) -> Iterator[tuple[str, bytes]]:
    """(name, octets with CRLF) of every file in the archives."""
    for archive in archives:
        with tarfile.open(archive) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None and member.name.endswith(".eml"):
                    octets = _ENDS.sub(b"\r\n", file.read())
                    yield member.name, octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def is_behind_trace(received: bytes, sent: bytes) -> bool:
    """received is sent, with nothing but whole trace fields in front."""
    if not received.endswith(sent):
        return False
    front = received[: len(received) - len(sent)]
    return (
        re.fullmatch(rb"(?:(?:Return-Path|Delivered-To|Received):[^\n]*\r\n(?:[ \t][^\n]*\r\n)*)*", front) is not None
    )


def send(host: str, port: int, user: str, mail: list[tuple[str, bytes]]) -> None:
    for start in range(0, len(mail), _SESSION_MESSAGES):
        send_session(host, port, user, mail[start : start + _SESSION_MESSAGES])


def send_session(host: str, port: int, user: str, mail: list[tuple[str, bytes]]) -> None:
    with smtplib.SMTP(host, port, "client.example") as smtp:
        smtp.ehlo()
        for name, octets in mail:
            smtp.mail("sender@client.example", ["BODY=8BITMIME"])
            code, text = smtp.rcpt(user)
            if code != 250:
                raise SystemExit(f"{name}: RCPT {code} {text!r}")
            # smtplib.data() would change line ends; these octets go as they are
            smtp.putcmd("data")
            smtp.getreply()
            smtp.send(re.sub(rb"(?m)^\.", b"..", octets) + b".\r\n")
            code, text = smtp.getreply()
            if code != 250:
                raise SystemExit(f"{name}: DATA {code} {text!r}")


def by_imap(host: str, port: int, user: str, password: str) -> list[bytes]:
    imap = imaplib.IMAP4(host, port)
    imap.login(user, password)
    _, (count,) = imap.select("INBOX", readonly=True)
    assert count is not None
    octets = []
    for number in range(1, int(count) + 1):
        _, found = imap.fetch(str(number), "(BODY.PEEK[])")
        octets.append(found[0][1])  # type: ignore[index]
    imap.logout()
    return octets  # type: ignore[return-value]


def by_pop3(host: str, port: int, user: str, password: str) -> list[bytes]:
    pop = poplib.POP3(host, port)
    poplib._MAXLINE = 2_000_000  # type: ignore[attr-defined]  # real mail has long lines
    pop.user(user)
    pop.pass_(password)
    octets = []
    for number in range(1, pop.stat()[0] + 1):
        _, lines, _ = pop.retr(number)
        octets.append(b"\r\n".join(lines) + b"\r\n")
    pop.quit()
    return octets


def compare(kind: str, received: list[bytes], mail: list[tuple[str, bytes]]) -> int:
    wrong = [
        name for (name, sent), got in zip(mail, received[-len(mail) :], strict=False) if not is_behind_trace(got, sent)
    ]
    if len(received) < len(mail):
        wrong.append(f"{len(mail) - len(received)} missing")
    digest = hashlib.sha256(b"".join(sent for _, sent in mail)).hexdigest()[:16]
    print(f"{kind}: {len(mail) - len(wrong)} of {len(mail)} octet for octet (sha256 {digest})", *wrong[:20])
    return len(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", nargs="+")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port-base", type=int, default=0)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    a = parser.parse_args()
    mail = list(messages(a.archive))
    send(a.host, a.port_base + 25, a.user, mail)
    wrong = compare("IMAP", by_imap(a.host, a.port_base + 143, a.user, a.password), mail)
    wrong += compare("POP3", by_pop3(a.host, a.port_base + 110, a.user, a.password), mail)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
