"""The octets of DNS messages."""

import dns.flags
import dns.message
import dns.name
import pytest

from posthaus.base import limit
from posthaus.net.dnsmessage import question


@pytest.mark.parametrize("name", ["a.example", "_mta-sts.xn--bcher-kva.example", "_25._tcp.mx.a.example", "A", ""])
@pytest.mark.parametrize("kind", ["MX", "A", "AAAA", "TXT", "TLSA", "CNAME", "PTR"])
@pytest.mark.parametrize("edns", [True, False])
def test_a_question_has_the_octets_that_dnspython_gives_it(name: str, kind: str, edns: bool) -> None:
    wanted = dns.message.make_query(
        dns.name.from_text(name, dns.name.root),
        kind,
        use_edns=0 if edns else False,
        payload=limit.DNS_UDP_OCTETS,
        id=4_711,
        flags=dns.flags.RD | dns.flags.AD,
    )
    assert question(4_711, name, kind, edns=edns) == wanted.to_wire()
