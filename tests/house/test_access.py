"""Rules of the house about access: in IMAP a mailbox is found by the one door that asks for rights."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "posthaus" / "serve" / "imap"

BESIDE = re.compile(r"\bmailboxes\.(find|find_at|listing|with_view|create|remove|rename|get)\b")
WRITES = re.compile(r"\b(flag\.store|message\.(append|append_all|replace|copy|expunge))\b")
ALLOWED = {
    # file: what it does with a mailbox that was found by that door
    ("mailbox.py", "message.copy"): "RENAME of one's own INBOX moves its messages",
    ("expunge.py", "mailboxes.get"): "does anything have \\Deleted?",
    ("fetch.py", "mailboxes.get"): "what has changed since",
}


def test_no_mailbox_is_found_but_by_the_door() -> None:
    found = [
        (path.name, match[0])
        for path in sorted(SOURCE.glob("*.py"))
        for match in BESIDE.finditer(path.read_text("utf-8"))
        if (path.name, match[0]) not in ALLOWED
    ]
    assert not found


def test_nothing_is_written_but_behind_the_guard() -> None:
    found = [
        (path.name, match[0])
        for path in sorted(SOURCE.glob("*.py"))
        for match in WRITES.finditer(path.read_text("utf-8"))
        if (path.name, match[0]) not in ALLOWED
    ]
    assert not found
