"""Tests of posthaus.testing.place: what names mean before the first answer."""

import base64

from posthaus.testing.place import Place


def test_names_of_the_account() -> None:
    place = Place("imap", "localhost", 143, "alice@example.test", "secret", words={"other": "bob@example.test"})
    bound = place.bound()
    assert bound["localpart"] == "alice"
    assert (bound["domain"], bound["bigdomain"]) == ("example.test", "EXAMPLE.TEST")
    assert base64.b64decode(bound["plain"]) == b"\0alice@example.test\0secret"
    assert base64.b64decode(bound["user64"]) == b"alice@example.test"
    assert bound["other"] == "bob@example.test"
