"""The DNS server of the kit, as a test without asyncio sees it."""

import socket

import dns.message
import dns.query
import dns.rcode
import pytest

from posthaus.testing.zone import Fault, running_zone

RECORDS = {"b.test": {"MX": ["10 mx.b.test"]}}


def test_in_a_thread() -> None:
    with running_zone(RECORDS, ttl_s=7, is_secure=True) as here:
        assert here.place == f"127.0.0.1:{here.port}"
        for ask in (dns.query.udp, dns.query.tcp):
            reply = ask(dns.message.make_query("b.test", "MX"), here.address, port=here.port, timeout=10)
            assert [rrset.to_text() for rrset in reply.answer] == ["b.test. 7 IN MX 10 mx.b.test."]
            assert reply.flags & dns.flags.AD
        assert here.questions == [("b.test", "MX", "udp"), ("b.test", "MX", "tcp")]
        assert here.asked("b.test", "MX") == 1
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as gone, pytest.raises(ConnectionRefusedError):
        gone.connect((here.address, here.port))


def test_a_fault_for_so_many_questions() -> None:
    with running_zone(RECORDS) as here:
        here.order("b.test", "MX", Fault.SERVFAIL, times=2)
        query = dns.message.make_query("b.test", "MX")
        codes = [dns.query.udp(query, here.address, port=here.port, timeout=10).rcode() for _ in range(3)]
        assert codes == [dns.rcode.SERVFAIL, dns.rcode.SERVFAIL, dns.rcode.NOERROR]
