"""What strangers write into signatures, seals and DNS: any octets have a result, none ends in a defect."""

from hypothesis import given
from hypothesis import strategies as st
from tests.check.keys import ED25519_RECORD, MESSAGE, RSA_RECORD, Zone

from posthaus.base.dns import Mx
from posthaus.check import arc, dkim, spf
from posthaus.check.keyrecord import KeyFault, parse_key_record
from posthaus.mail.srs import SrsFault, restore
from posthaus.mail.trace import render_arc_results

VALUES = {"pass", "fail", "neutral", "policy", "permerror", "temperror"}

TAGS = st.sampled_from(
    [
        b"v=1", b"a=rsa-sha256", b"a=ed25519-sha256", b"c=relaxed/relaxed", b"c=simple", b"d=a.test",
        b"d=\xc3\xbc.test", b"d=" + b"x" * 300, b"s=s", b"s=" + b"y." * 120 + b"y", b"h=From:To", b"h=",
        b"bh=AAAA", b"b=AAAA", b"b=",
        b"i=1", b"i=2", b"i=@a.test", b"l=1", b"l=" + b"9" * 70, b"t=1", b"x=9", b"x=99999999999999999999", b"cv=none",
        b"cv=pass", b"cv=fail", b"q=dns/txt", b";", b"=", b"\x00", b"\xff", b"\r\n\t", b"h=arc-seal", b"; mx.test",
    ]
)  # fmt: skip
FIELDS = st.builds(
    lambda name, tags: name + b": " + b"; ".join(tags) + b"\r\n",
    st.sampled_from([b"DKIM-Signature", b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"]),
    st.lists(TAGS, max_size=12),
)
RECORDS = st.lists(
    st.one_of(
        st.sampled_from([RSA_RECORD, ED25519_RECORD, b"v=DKIM1; p=", b"v=DKIM1; k=rsa; p=AAAA", b"\xff", b""]),
        st.binary(max_size=40),
    ),
    max_size=3,
)


class Same(Zone):
    """The same records under every name."""

    def _find(self, name: str, kind: str) -> tuple[list[object], bool]:
        return list(self.names.get(("", kind)) or ()), True


@given(fields=st.lists(FIELDS, max_size=6), records=RECORDS)
async def test_signatures(fields: list[bytes], records: list[bytes]) -> None:
    zone = Same({("", "TXT"): records})
    message = b"".join(fields) + MESSAGE
    found = await dkim.verify(message, zone, 5.0)
    chain = await arc.validate(message, zone, 5.0)
    assert {one.value for one in found} <= VALUES
    assert chain.value in ("none", "pass", "fail")
    text = render_arc_results(1, "mx.test", [*(one.result for one in found), chain.result])
    assert all(len(line) <= 2_000 and b"\0" not in line for line in text.split(b"\r\n"))


TERMS = st.sampled_from(
    [
        "all", "-all", "a", "a:%{d}", "a:%{l1r-}.%{d2}", "mx", "mx:b.test/0//0", "ptr", "ptr:%{p}", "ip4:192.0.2.1",
        "ip4:", "ip6:::/0", "include:b.test", "include:%{h}", "exists:%{ir}.%{v}.b.test", "redirect=b.test",
        "exp=e.test", "exists:%{S}.b.test", "?include:c.test", "a/33", "%", "\u00e4", "x=%{", "a:%{o}" * 20,
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    ["b.test", "xn--bcher-kva.test", "[192.0.2.1]", "", "a..b", "x" * 70 + ".test", "\u00fc.test", "b"]
)


@given(
    terms=st.lists(TERMS, max_size=8),
    address=st.sampled_from(["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]),
    helo=NAMES,
    domain=NAMES,
    local=st.text(max_size=10),
)
async def test_spf(terms: list[str], address: str, helo: str, domain: str, local: str) -> None:
    zone = Same(
        {
            ("", "TXT"): [("v=spf1 " + " ".join(terms)).encode()],
            ("", "A"): ["192.0.2.1"],
            ("", "MX"): [Mx(1, "m.test"), Mx(2, "")],
            ("", "PTR"): ["p.test", "q.b.test"],
        }
    )
    sender = f"{local}@{domain}" if domain else ""
    found = await spf.check(address, helo, sender, zone, receiver="mx.test", now=0)
    assert found.value in {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"}
    assert render_arc_results(1, "mx.test", [found.result]).count(b"\r\n") == 2


@given(st.binary(max_size=200))
def test_key_records(octets: bytes) -> None:
    try:
        parse_key_record(octets)
    except KeyFault:
        pass


@given(st.one_of(st.text(max_size=80), st.text("SRS01=+-aA.2", max_size=40)))
def test_rewritten_addresses(localpart: str) -> None:
    try:
        restore(localpart, [b"key"], 0)
    except SrsFault:
        return
    raise AssertionError("nobody wrote this")
