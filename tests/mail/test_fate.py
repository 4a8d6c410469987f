"""Fates: the two things that they work out."""

from posthaus.mail.fate import Action, Dsn, Fate


def test_code() -> None:
    assert Fate("a@b", Action.FAILED, "5.1.1", said="550 no").code == 550
    assert Fate("a@b", Action.FAILED, "5.1.1", said="550-no").code == 550
    assert Fate("a@b", Action.FAILED, "5.1.1", said="5501 no").code == 0
    assert Fate("a@b", Action.FAILED, "5.1.1", reason="x").code == 0


def test_global() -> None:
    plain, other = Fate("a@b", Action.DELIVERED, "2.0.0"), Fate("ä@b", Action.FAILED, "5.0.0")
    assert not Dsn("h", (plain,)).is_global and not Dsn("h", (plain,)).has_failed
    assert Dsn("h", (plain, other)).is_global and Dsn("h", (plain, other)).has_failed
