"""Tests of posthaus.testing.place: what names mean before the first answer."""

from posthaus.testing.place import Place


def test_names_of_the_account() -> None:
    place = Place("imap", "localhost", 143, "alice@example.test", "secret", words={"other": "bob@example.test"})
    assert place.bound() == {
        "user": "alice@example.test",
        "password": "secret",
        "plain": "AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=",
        "localpart": "alice",
        "domain": "example.test",
        "other": "bob@example.test",
    }
