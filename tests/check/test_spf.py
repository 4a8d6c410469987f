"""SPF: the test suite of the people who wrote it, and what it leaves out.

tests/check/spf holds the openspf.org suite, release 2014.04, under its own licence.
"""

import asyncio
import ipaddress
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.check.keys import Zone

from posthaus.base import limit
from posthaus.base.dns import Answer, DnsTrouble, Mx
from posthaus.check.spf import Spf, check
from posthaus.mail.trace import render_arc_results

SUITE = json.loads((Path(__file__).parent / "spf" / "openspf.json").read_text("utf-8"))


class World(Zone):
    """The zones of the suite: a name that is TIMEOUT answers nothing, but for what stands before it."""

    def _find(self, name: str, kind: str) -> tuple[list[object], bool]:
        for _ in range(10):
            found = self.records(name, kind)
            alias = self.records(name, "CNAME") if not found else []
            if not alias:
                break
            name = str(alias[0])
        return found, name.lower() in self.names  # type: ignore[comparison-overlap]

    async def ptr(self, address: str) -> Answer[str]:
        return await self._text(ipaddress.ip_address(address).reverse_pointer, "PTR")

    def records(self, name: str, kind: str) -> list[object]:
        rows: Any = self.names.get(name.lower().rstrip("."), [])  # type: ignore[call-overload]
        found: list[object] = []
        for row in rows:
            if row == "TIMEOUT":
                if not found:
                    raise DnsTrouble(name)
                break
            for known, value in row.items():
                if known == kind and value == "TIMEOUT":
                    raise DnsTrouble(name)
                if known == kind and value != "NONE":
                    found.append(_value(kind, value))
        if kind == "TXT" and not any("TXT" in row for row in rows if row != "TIMEOUT"):
            found += [_value("TXT", row["SPF"]) for row in rows if row != "TIMEOUT" and "SPF" in row]
        if not rows and name.startswith("error."):
            raise DnsTrouble(name)
        return found


def _value(kind: str, value: Any) -> object:
    if kind == "TXT":
        return "".join(value).encode("utf-8") if isinstance(value, list) else value.encode("utf-8")
    return Mx(value[0], value[1].rstrip(".")) if kind == "MX" else value


def cases() -> Iterator[Any]:
    for scenario in SUITE:
        for name, test in scenario["tests"].items():
            yield pytest.param(scenario["zonedata"], name, test, id=name)


def world(zonedata: dict[str, list[Any]]) -> World:
    return World({name.lower(): rows for name, rows in zonedata.items()})  # type: ignore[misc]


@pytest.mark.parametrize(("zonedata", "name", "test"), list(cases()))
async def test_suite(zonedata: dict[str, list[Any]], name: str, test: dict[str, Any]) -> None:
    found = await check(
        test["host"], test["helo"], test["mailfrom"], world(zonedata), receiver="receiver.example", now=0
    )
    wanted = test["result"] if isinstance(test["result"], list) else [test["result"]]
    assert found.value in wanted, found
    if "explanation" in test and test["explanation"] != "DEFAULT" and found.value == "fail":
        # hexadecimal digits in lower case, as in RFC 7208 §7.4; the suite has them in upper case
        assert found.explanation.lower() == test["explanation"].lower()


async def look(
    records: dict[tuple[str, str], list[object] | None], address: str = "192.0.2.1", mail_from: str = "a@b.test"
) -> Spf:
    return await check(address, "mx.b.test", mail_from, Zone({**records}), receiver="mx.test", now=0)


async def test_what_is_told() -> None:
    zone: dict[tuple[str, str], list[object] | None] = {
        ("b.test", "TXT"): [b"v=spf1 ip4:192.0.2.0/24 -all"],
        ("mx.b.test", "TXT"): [b"v=spf1 a -all"],
    }
    found = await look(zone)
    assert (found.value, found.reason) == ("pass", "ip4:192.0.2.0/24")
    helo = await look(zone, "192.0.2.9", "")
    assert (helo.value, helo.reason, helo.is_helo) == ("fail", "-all", True)
    assert render_arc_results(1, "mx.test", [found.result, helo.result]) == (
        b"ARC-Authentication-Results: i=1; mx.test;\r\n"
        b"\tspf=pass smtp.mailfrom=a@b.test;\r\n\tspf=fail smtp.helo=mx.b.test\r\n"
    )


async def test_ipv4_in_ipv6() -> None:
    record: dict[tuple[str, str], list[object] | None] = {("b.test", "TXT"): [b"v=spf1 ip4:192.0.2.1 -all"]}
    assert (await look(record, "::ffff:192.0.2.1")).value == "pass"  # RFC 7208 §5
    assert (await look(record, "2001:db8::1%eth0")).value == "fail"


async def test_internationalized() -> None:
    # RFC 8616 §5
    record: dict[tuple[str, str], list[object] | None] = {
        ("xn--bcher-kva.test", "TXT"): [b"v=spf1 exists:%{d}.x.test -all"],
        ("xn--bcher-kva.test.x.test", "A"): ["127.0.0.2"],
    }
    assert (await look(record, mail_from="\u00e4@b\u00fccher.test")).value == "pass"
    assert (await look(record, mail_from="\u00e4@\u2260.b\u00fccher..test")).value == "none"


async def test_the_terms_of_included_records_count_together() -> None:
    records: dict[tuple[str, str], list[object] | None] = {
        ("b.test", "TXT"): [b"v=spf1 include:c.test a:d.test -all"],
        ("c.test", "TXT"): [b"v=spf1" + b" a:e.test" * (limit.SPF_TERMS - 1) + b" -all"],
        ("d.test", "A"): ["192.0.2.7"],
        ("e.test", "A"): ["192.0.2.7"],
    }
    assert (await look(records)).value == "permerror"
    records["c.test", "TXT"] = [b"v=spf1" + b" a:e.test" * (limit.SPF_TERMS - 2) + b" -all"]
    assert (await look(records)).value == "fail"


async def test_a_record_that_includes_itself_ends() -> None:
    assert (await look({("b.test", "TXT"): [b"v=spf1 include:b.test -all"]})).value == "permerror"
    assert (await look({("b.test", "TXT"): [b"v=spf1 redirect=b.test"]})).value == "permerror"


async def test_dns_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Zone):
        async def txt(self, name: str) -> Answer[bytes]:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(limit, "SPF_TIMEOUT_S", 0.01)
    found = await check("192.0.2.1", "mx", "a@b.test", Silent(), receiver="mx.test", now=0)
    assert (found.value, found.reason) == ("temperror", "time out")


async def test_long_names_are_cut_at_once() -> None:
    """RFC 7208 §7.3; labels are not taken away one by one from a name that a stranger has made endless"""
    path = "a." * 126 + "a@b.test"
    record: dict[tuple[str, str], list[object] | None] = {
        ("b.test", "TXT"): [b"v=spf1 exists:" + b"%{l}" * 1_900 + b".c.test -all"],
        ("a." * 123 + "c.test", "A"): ["127.0.0.2"],
    }
    began = time.process_time()
    assert (await look(record, mail_from=path)).value == "pass"
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("terms", [b" ip4:192.0.2.7" * 1_000, b" x=%{d}" * 2_000])
async def test_a_record_without_end(terms: bytes) -> None:
    found = await look({("b.test", "TXT"): [b"v=spf1" + terms + b" -all"]})
    assert (found.value, found.reason) == ("permerror", "record too long")
