"""The whole way of forwarded mail: in at port 25, out by an alias, and its bounce back to the author."""

import dataclasses

import dkim
from tests.check.keys import MESSAGE, dkimpy_dns, records, rsa_key
from tests.flow.relaying import until

from posthaus.base.setting import Settings
from posthaus.check import arc
from posthaus.check.dkim import verify
from posthaus.check.dkimsign import sign
from posthaus.flow.rotate import make_key
from posthaus.store import dkimkey
from posthaus.testing import kit
from posthaus.testing.remote import remote_mx
from posthaus.testing.zone import zone

DOMAIN = "football.example.com"


async def test_forwarded_and_back() -> None:
    world: dict[str, dict[str, list[str]]] = {
        "far.test": {"MX": ["10 mx.far.test"]},
        DOMAIN: {"MX": ["10 mx.far.test"], "TXT": ["v=spf1 -all"]},
        "mx.far.test": {"A": ["127.0.0.1"]},
        **{name: {"TXT": [found[0].decode()]} for name, found in records(rsa_key()).items()},
    }
    async with zone(world) as dns, remote_mx() as mx:
        send = dataclasses.replace(Settings().send, resolvers=(dns.place,), port=mx.port)
        async with kit.server(settings=dataclasses.replace(Settings(), send=send)) as office:
            site = office.app.site
            at = int(office.clock.now())
            new = make_key(kit.DOMAIN, "rsa", at)
            await site.store.write(dkimkey.add, new, at)
            await site.store.write(dkimkey.activate, [1], at)
            dns.records[f"{new.selector}._domainkey.{kit.DOMAIN}"] = {"TXT": [new.public]}
            await office.alias("club@example.test", "anna@far.test")

            signed = sign(MESSAGE, [rsa_key()], at) + MESSAGE
            await office.send(f"joe@{DOMAIN}", "club@example.test", signed)
            await until(lambda: len(mx.messages) == 1)
            out = mx.messages[0]
            assert out.forward_paths == ("anna@far.test",)
            assert out.reverse_path.startswith("SRS0=") and out.reverse_path.endswith(f"={DOMAIN}=joe@example.test")
            assert out.octets.endswith(signed)
            assert site.resolver is not None
            assert (await arc.validate(out.octets, site.resolver, at)).value == "pass"
            assert [one.value for one in await verify(out.octets, site.resolver, at)] == ["pass"]
            names = {name: [found["TXT"][0].encode()] for name, found in dns.records.items() if "TXT" in found}
            assert dkim.arc_verify(out.octets, dnsfunc=dkimpy_dns(names))[0] == b"pass"

            bounce = b"From: <>\r\nSubject: failed\r\n\r\nno\r\n"
            await office.send("", out.reverse_path, bounce)
            await until(lambda: len(mx.messages) == 2)
            back = mx.messages[1]
            assert (back.reverse_path, back.forward_paths) == ("", (f"joe@{DOMAIN}",))
            assert back.octets.endswith(bounce)
            queue = office.app.queue
            assert queue is not None
            await until(lambda: queue.on_its_way == 0)
