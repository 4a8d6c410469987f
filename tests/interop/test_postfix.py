"""Postfix's own probes: its TLS client, and its source of mail with many connections."""

from tests.interop.clients import Office, Person, body_of, need, run


def test_posttls_finger(office: Office) -> None:
    """Postfix's SMTP client with the strictest level there is: the certificate must be known and have our name."""
    program = need("posttls-finger")
    options = ("-c", "-l", "secure", "-F", office.certificate, f"[127.0.0.1]:{office.port(25)}", "mail.example.test")
    said = run(program, *options).said
    assert "Verified TLS connection established" in said
    assert "TLSv1.3" in said


def test_smtp_source(office: Office, person: Person) -> None:
    """300 messages over 20 connections at a time; then 100 in one session that never says goodbye in between."""
    program = need("smtp-source")
    common = ("-f", "anna@example.net", "-t", person.address, "-M", "client.example")
    place = f"127.0.0.1:{office.port(25)}"
    run(program, "-s", "20", "-m", "300", "-l", "3000", *common, place)
    run(program, "-d", "-s", "1", "-m", "100", "-l", "3000", *common, place)
    messages = office.messages(person)
    assert len(messages) == 400
    assert len({body_of(octets) for octets in messages}) == 1


def test_smtp_source_with_many_recipients(office: Office) -> None:
    """-r 5: the address itself, and the same with numbers in front."""
    program = need("smtp-source")
    names = [f"{number}many@example.test" for number in ("", *range(6))]
    office.server.run("account", "import", "-", stdin="".join(f"{name},correct horse\n" for name in names))
    options = ("-f", "anna@example.net", "-t", names[0], "-r", "5", "-m", "20", "-s", "4", "-M", "c.example")
    run(program, *options, f"127.0.0.1:{office.port(25)}")
    assert sorted(len(office.messages(Person(name, "correct horse"))) for name in names) == [0, 0, *[20] * 5]
