"""`posthaus dkim`: keys are made, published, put to use and retired."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.shell import Shell, make_house

from posthaus.check.keyrecord import parse_key_record
from posthaus.testing.zone import Zone, running_zone

DOMAIN = "example.test"


class Keys(Shell):
    """`posthaus dkim` on a house whose DNS is ours."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], dns: Zone) -> None:
        super().__init__(folder, capsys, "dkim")
        self.dns = dns

    def states(self) -> dict[str, str]:
        return {one["selector"]: one["state"] for one in json.loads(self.done("list", "--json"))}

    def publish(self, records: str) -> None:
        for one in json.loads(records):
            self.dns.records[one["name"]] = {"TXT": [one["value"]]}


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Keys]:
    folder = make_house(tmp_path / "house", DOMAIN)
    with running_zone({}) as dns:
        settings = folder / "posthaus.toml"
        text = re.sub(r"(?m)^#? ?resolvers = .*$", f'resolvers = ["{dns.place}"]', settings.read_text())
        settings.write_text(text)
        yield Keys(folder, capsys, dns)


def test_add_prints_what_to_publish(shell: Keys) -> None:
    text = shell.done("add", DOMAIN)
    assert len(re.findall(r'(?m)^[re]\d{8}\._domainkey\.example\.test\. IN TXT \( "v=DKIM1; k=', text)) == 2
    assert text == shell.done("record", DOMAIN)
    both = json.loads(shell.done("record", DOMAIN, "--json"))
    assert [one["algorithm"] for one in both] == ["rsa", "ed25519"]
    for one in both:
        assert "".join(one["strings"]) == one["value"]
        assert parse_key_record(one["value"].encode()).type == one["algorithm"]
    assert set(shell.states().values()) == {"published"}
    assert shell.done("list").splitlines()[0].split() == [
        "DOMAIN", "SELECTOR", "ALGORITHM", "STATE", "CREATED", "ACTIVE", "FROM", "RETIRE", "AT",
    ]  # fmt: skip


def test_a_key_of_ones_own_name(shell: Keys) -> None:
    (one,) = json.loads(shell.done("add", DOMAIN, "--selector", "Mail", "--algorithm", "ed25519", "--now", "--json"))
    assert (one["name"], one["state"]) == ("mail._domainkey.example.test", "active")
    assert "is there already" in shell.refused("add", DOMAIN, "--selector", "mail", "--algorithm", "rsa")
    assert "--algorithm" in shell.refused("add", DOMAIN, "--selector", "mail")
    assert "not a selector" in shell.refused("add", DOMAIN, "--selector", "a_b", "--algorithm", "rsa")
    assert "there is no domain" in shell.refused("add", "other.test", "--algorithm", "ed25519")


def test_rotate_waits_for_dns(shell: Keys) -> None:
    first = shell.done("add", DOMAIN, "--algorithm", "ed25519", "--json")
    assert "DNS has no such record yet" in shell.refused("rotate", DOMAIN)
    shell.publish(first)
    shell.dns.negative_ttl_s = 0
    assert [one["state"] for one in json.loads(shell.done("rotate", DOMAIN, "--json"))] == ["active"]
    second = shell.done("rotate", DOMAIN, "--json")
    assert [one["algorithm"] for one in json.loads(second)] == ["ed25519"]
    assert sorted(shell.states().values()) == ["active", "published"]
    shell.publish(second)
    shell.done("rotate", DOMAIN)
    assert sorted(shell.states().values()) == ["active", "retired"]
    assert len(json.loads(shell.done("record", DOMAIN, "--json"))) == 2  # the old one stays in DNS for a week
    shell.done("rotate", DOMAIN, "--now")
    assert sorted(shell.states().values()) == ["active", "retired", "retired"]


def test_retire_and_remove(shell: Keys) -> None:
    shell.done("add", DOMAIN, "--algorithm", "ed25519", "--selector", "s1", "--now")
    assert "retire it first" in shell.refused("remove", DOMAIN, "s1")
    shell.done("retire", DOMAIN, "s1", "--after", "30 days")
    assert shell.states() == {"s1": "active"}
    shell.done("retire", DOMAIN, "s1")
    assert shell.states() == {"s1": "retired"}
    shell.done("remove", DOMAIN, "s1")
    assert shell.states() == {}
    assert "there is no key s1" in shell.refused("retire", DOMAIN, "s1")
    assert "not a duration" in shell.refused("rotate", DOMAIN, "--after", "soon")
