"""Real mail, all of it: in by SMTP, back by IMAP and by POP3, octet for octet. By the tool that an admin would use."""

import sys
from pathlib import Path

import pytest
from tests.interop.clients import Office, Person, run

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
ARCHIVES = sorted(CORPUS.glob("*.tar.xz"))
MESSAGES = 1_900


@pytest.mark.skipif(not ARCHIVES, reason=f"no corpus in {CORPUS.name} beside the checkout")
def test_octet_for_octet(office: Office, person: Person) -> None:
    login = ("--port-base", str(office.server.base), "--user", person.address, "--password", person.password)
    said = run(sys.executable, ROOT / "tools" / "corpus.py", *ARCHIVES, *login, deadline_s=110).said
    assert f"IMAP: {MESSAGES} of {MESSAGES} octet for octet" in said
    assert f"POP3: {MESSAGES} of {MESSAGES} octet for octet" in said
