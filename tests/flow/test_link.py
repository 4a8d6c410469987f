"""Links: messages to a host that does all that hosts do, and what becomes of each recipient."""

import asyncio
import dataclasses

import pytest
from tests.flow.relaying import MESSAGE, Bench, hop_to, host_of, make_bench, until

from posthaus.base import limit
from posthaus.flow.link import MissingOctets
from posthaus.mail.address import parse_address
from posthaus.mail.envelope import DeliverBy, Envelope
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store.blob import PLAIN, Octets
from posthaus.testing.remote import DROP, ENDLESS, HANG, KEYWORDS, Last, Orders, Raw, remote_mx

ANN = parse_address(b"ann@client.example", smtputf8=False)
BOB, CAT, DAN = "bob@b.example", "cat@b.example", "dan@b.example"
WAYS = [(), ("PIPELINING",), ("CHUNKING",), KEYWORDS]


def short(outcomes: list[Outcome]) -> list[tuple[str, int, str, bool]]:
    return [(one.kind.value, one.code, one.enhanced, one.blames_host) for one in outcomes]


@pytest.fixture
def bench() -> Bench:
    return make_bench()


@pytest.mark.parametrize("keywords", WAYS)
async def test_a_message(bench: Bench, keywords: tuple[str, ...]) -> None:
    async with remote_mx(keywords=keywords) as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx)))
        assert outcome == Outcome(Kind.RELAYED, 250, "2.0.0", "Taken", "mx.example", mx.host, has_dsn="DSN" in keywords)
        (message,) = mx.messages
        assert message.octets == MESSAGE
        assert (message.reverse_path, message.forward_paths) == ("ann@client.example", (BOB,))
        assert mx.commands[-1] == "QUIT"


@pytest.mark.parametrize("keywords", WAYS)
@pytest.mark.parametrize("octets", [b"", b".", b"\r\n", b"a: b\r\n\r\n.", b"a: b\r\n\r\n" + b".\r\n" * 50_000])
async def test_any_octets(bench: Bench, keywords: tuple[str, ...], octets: bytes) -> None:
    """They arrive as they are, and as lines."""
    async with remote_mx(keywords=keywords) as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx)), octets=octets)
        assert outcome.kind is Kind.RELAYED
        wanted = octets if not octets or octets.endswith(b"\r\n") else octets + b"\r\n"
        assert mx.messages[0].octets == wanted


@pytest.mark.parametrize("keywords", WAYS)
async def test_octets_that_lie_outside(bench: Bench, keywords: tuple[str, ...]) -> None:
    head, body = b"a: b\r\n\r\n", b"line.\r\n.\r\n" * 60_000
    bench.blobs.octets["key"] = body
    inner = Octets(b"Received: x\r\n", head, b"", PLAIN, "key", 13 + len(head) + len(body))
    async with remote_mx(keywords=keywords) as mx, bench.link(hop_to(host_of(mx))) as link:
        (outcome,) = await bench.over(link, inner=inner)
        assert outcome.kind is Kind.RELAYED
        assert mx.messages[0].octets == b"Received: x\r\n" + head + body
        bdat = [line for line in mx.commands if line.startswith("BDAT")]
        assert len(bdat) == (4 if "CHUNKING" in keywords else 0)


@pytest.mark.parametrize("keywords", WAYS)
async def test_octets_that_are_missing(bench: Bench, keywords: tuple[str, ...]) -> None:
    """Half a message must never look like a whole one."""
    bench.blobs.octets["key"] = b"line\r\n" * 100_000
    inner = Octets(b"", b"a: b\r\n\r\n", b"", PLAIN, "key", 700_000)
    async with remote_mx(keywords=keywords) as mx, bench.link(hop_to(host_of(mx))) as link:
        with pytest.raises(MissingOctets):
            await bench.over(link, inner=inner)
        bench.blobs.octets["key"] = b"line\r\n" * 200_000
        real = bench.blobs.read

        async def read(key: str, start: int, end: int) -> bytes:
            if start and len(reads) > 3:
                return b""
            reads.append(start)
            return await real(key, start, end)

        reads: list[int] = []
        bench.blobs.read = read  # type: ignore[method-assign]
        with pytest.raises(MissingOctets):
            await bench.over(link, inner=inner)
        assert not link.is_usable
        assert not mx.messages


async def test_a_message_that_is_refused_at_its_first_chunk(bench: Bench) -> None:
    """The rest is not sent; and nor is it to a host that has gone."""
    body = b"line\r\n" * 200_000
    inner = Octets(b"", b"a: b\r\n\r\n", b"", PLAIN, "key", 8 + len(body))
    real = bench.blobs.read

    async def read(key: str, start: int, end: int) -> bytes:
        if start and bench.lines[-1].startswith("C: ("):  # not when it is looked through
            await until(lambda: not link._dialogue.stream.is_quiet)
        return await real(key, start, end)

    bench.blobs.octets["key"] = body
    bench.blobs.read = read  # type: ignore[method-assign]
    refused: list[tuple[Orders, tuple[str, int, str, bool]]] = [
        ({"BDAT": "552 5.3.4 Too large"}, ("failed", 552, "5.3.4", False)),
        ({"BDAT": DROP}, ("deferred", 0, "4.4.2", True)),
    ]
    for orders, wanted in refused:
        async with remote_mx(orders) as mx, bench.link(hop_to(host_of(mx))) as link:
            assert short(await bench.over(link, inner=inner)) == [wanted]
            assert len([line for line in mx.commands if line.startswith("BDAT")]) <= 2


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (b"250 2.0.0 Taken", ("deferred", 250, "2.0.0", False)),
        (b"552 5.3.4 Too large", ("failed", 552, "5.3.4", False)),
    ],
)
async def test_a_reply_behind_354(bench: Bench, reply: bytes, wanted: tuple[str, int, str, bool]) -> None:
    """A yes is none to the end of the message, which has not been sent; a no is one."""
    orders: Orders = {"DATA": [Raw(b"354 Go ahead\r\n" + reply + b"\r\n")], "END": "451 4.3.0 Later"}
    async with remote_mx(orders, keywords=("PIPELINING",)) as mx:
        assert short(await bench.send(hop_to(host_of(mx)))) == [wanted]
        assert not mx.messages


@pytest.mark.parametrize("keywords", WAYS)
async def test_each_recipient_for_itself(bench: Bench, keywords: tuple[str, ...]) -> None:
    orders = {BOB: "550 5.1.1 No such user", CAT: "451 4.2.1 Later"}
    async with remote_mx(orders, keywords=keywords) as mx:
        outcomes = await bench.send(hop_to(host_of(mx)), [BOB, CAT, DAN])
        assert short(outcomes) == [
            ("failed", 550, "5.1.1", False),
            ("deferred", 451, "4.2.1", False),
            ("relayed", 250, "2.0.0", False),
        ]
        assert mx.messages[0].forward_paths == (DAN,)


ONE: list[tuple[Orders, tuple[str, int, str, bool]]] = [
    ({"MAIL": "451 4.7.1 Greylisted"}, ("deferred", 451, "4.7.1", False)),
    ({"MAIL": "452 4.3.1 Full"}, ("deferred", 452, "4.3.1", True)),
    ({"MAIL": "550 5.7.1 No"}, ("failed", 550, "5.7.1", False)),
    ({"MAIL": "354 what"}, ("deferred", 354, "", False)),
    ({"RCPT": "550-5.1.1 No\n550 5.1.1 such user"}, ("failed", 550, "5.1.1", False)),
    ({"RCPT": "452 4.3.1 Full"}, ("deferred", 452, "4.3.1", False)),
    ({"RCPT": "552 Too many"}, ("deferred", 552, "", False)),
    ({"RCPT": "552 5.2.2 Mailbox full"}, ("failed", 552, "5.2.2", False)),
    ({"END": "550 5.7.1 Spam"}, ("failed", 550, "5.7.1", False)),
    ({"END": "451 4.3.0 Later"}, ("deferred", 451, "4.3.0", False)),
    ({"END": "452 4.3.1 Full"}, ("deferred", 452, "4.3.1", True)),
    ({"MAIL": "421 4.3.2 Bye"}, ("deferred", 421, "4.3.2", True)),
    ({"RCPT": "421 4.3.2 Bye"}, ("deferred", 421, "4.3.2", True)),
    ({"END": "421 4.3.2 Bye"}, ("deferred", 421, "4.3.2", True)),
    ({"END": Last("250 2.0.0 Taken, and bye")}, ("relayed", 250, "2.0.0", False)),
    ({"END": Last("550 5.7.1 No, and bye")}, ("failed", 550, "5.7.1", False)),
    # RFC 5321 §6.1: nobody knows whether the host has it
    ({"END": DROP}, ("deferred", 0, "4.4.2", True)),
    ({"MAIL": DROP}, ("deferred", 0, "4.4.2", True)),
    ({"RCPT": DROP}, ("deferred", 0, "4.4.2", True)),
    ({"MAIL": Raw(b"nonsense\r\n")}, ("deferred", 0, "4.4.2", True)),
    ({"END": Raw(b"nonsense\r\n")}, ("deferred", 0, "4.4.2", True)),
    ({"MAIL": ENDLESS}, ("deferred", 0, "4.4.2", True)),
    ({"END": Raw(b"250 " + b"x" * 50_000)}, ("deferred", 0, "4.4.2", True)),
]


@pytest.mark.parametrize(("orders", "wanted"), ONE)
@pytest.mark.parametrize("keywords", WAYS)
async def test_what_becomes_of_it(
    bench: Bench, keywords: tuple[str, ...], orders: Orders, wanted: tuple[str, int, str, bool]
) -> None:
    async with remote_mx(orders, keywords=keywords) as mx:
        assert short(await bench.send(hop_to(host_of(mx)))) == [wanted]
        assert len(mx.messages) == (wanted[0] == "relayed")


@pytest.mark.parametrize("orders", [{"DATA": "554 5.7.1 No"}, {"DATA": DROP}, {"DATA": "451 4.3.0 Later"}])
@pytest.mark.parametrize("keywords", [(), ("PIPELINING",)])
async def test_data_is_refused(bench: Bench, keywords: tuple[str, ...], orders: Orders) -> None:
    async with remote_mx({**orders, BOB: "550 5.1.1 No"}, keywords=keywords) as mx:
        outcomes = await bench.send(hop_to(host_of(mx)), [BOB, CAT])
        assert outcomes[0].enhanced == "5.1.1"
        assert outcomes[1].kind is (Kind.FAILED if orders["DATA"] == "554 5.7.1 No" else Kind.DEFERRED)


async def test_data_is_taken_though_nobody_gets_it(bench: Bench) -> None:
    """RFC 2920 §3.1; the link is good for more"""
    orders: Orders = {"RCPT": ["550 5.1.1 No"], "DATA": ["354 Go ahead"]}
    async with remote_mx(orders, keywords=("PIPELINING",)) as mx, bench.link(hop_to(host_of(mx))) as link:
        assert short(await bench.over(link)) == [("failed", 550, "5.1.1", False)]
        assert short(await bench.over(link)) == [("relayed", 250, "2.0.0", False)]
        assert mx.connections == 1


@pytest.mark.parametrize("keywords", WAYS)
async def test_a_slow_host_is_given_up(bench: Bench, keywords: tuple[str, ...]) -> None:
    """RFC 5321 §4.5.3.2: each reply has its time, however its octets come."""
    async with remote_mx({"END": HANG}, keywords=keywords) as mx, bench.link(hop_to(host_of(mx))) as link:
        sending = asyncio.create_task(bench.over(link))
        await until(lambda: any("octets of the message" in line for line in bench.lines))
        await bench.passing(limit.RELAY_END_TIMEOUT_S - 30)
        assert not sending.done()
        await bench.passing(60)
        (outcome,) = await sending
        assert (outcome.kind, outcome.text) == (Kind.DEFERRED, "no reply to the end of data")
        assert outcome.blames_host


@pytest.mark.parametrize("keywords", WAYS)
async def test_replies_in_crumbs(bench: Bench, keywords: tuple[str, ...]) -> None:
    async with remote_mx(keywords=keywords, crumbs=True) as mx:
        assert short(await bench.send(hop_to(host_of(mx)))) == [("relayed", 250, "2.0.0", False)]


# -- more than one transaction -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keywords", WAYS)
async def test_one_link_for_many(bench: Bench, keywords: tuple[str, ...]) -> None:
    orders: Orders = {"MAIL": [None, "550 5.7.1 No"], "RCPT": [None, "550 5.1.1 No"], "END": [None, "451 4.3.0 Later"]}
    async with remote_mx(orders, keywords=keywords) as mx, bench.link(hop_to(host_of(mx))) as link:
        found = [short(await bench.over(link))[0][0] for _ in range(6)]
        assert found.count("relayed") == len(mx.messages) >= 3
        assert found[0] == found[-1] == "relayed"
        assert link.is_usable
        assert mx.connections == 1


@pytest.mark.parametrize("keywords", WAYS)
@pytest.mark.parametrize("reply", ["452 4.5.3 Too many", "452 Too many", "552 Too many", "552 5.5.3 Too many"])
async def test_too_many_recipients(bench: Bench, keywords: tuple[str, ...], reply: str) -> None:
    """RFC 5321 §4.5.3.1.10: the rest goes in the next transaction"""
    orders: Orders = {"RCPT": [None, None, reply, reply, None, reply, None]}
    async with remote_mx(orders, keywords=keywords) as mx:
        people = [f"p{n}@b.example" for n in range(4)]
        outcomes = await bench.send(hop_to(host_of(mx)), people)
        assert short(outcomes) == [("relayed", 250, "2.0.0", False)] * 4
        assert [len(one.forward_paths) for one in mx.messages] == [2, 1, 1]
        assert mx.connections == 1


async def test_too_many_of_none(bench: Bench) -> None:
    """Without progress it is not tried for ever."""
    async with remote_mx({"RCPT": "452 4.5.3 Too many"}) as mx:
        assert short(await bench.send(hop_to(host_of(mx)), [BOB, CAT])) == [("deferred", 452, "4.5.3", False)] * 2
        assert len([line for line in mx.commands if line.startswith("MAIL")]) == 1


async def test_limits_of_the_host(bench: Bench) -> None:
    """RFC 9422 §4"""
    async with remote_mx(keywords=("PIPELINING", "LIMITS RCPTMAX=2 RCPTDOMAINMAX=1 MAILMAX=3")) as mx:
        people = ["a@x.example", "b@y.example", "c@x.example", "d@x.example", "e@y.example", "f@z.example"]
        outcomes = await bench.send(hop_to(host_of(mx)), people)
        assert [one.forward_paths for one in mx.messages] == [
            ("a@x.example", "c@x.example"),
            ("b@y.example", "e@y.example"),
            ("d@x.example",),
            ("f@z.example",),
        ]
        assert [one.kind for one in outcomes] == [Kind.RELAYED] * 6
        assert mx.connections == 2


async def test_a_link_that_has_said_goodbye_is_not_usable(bench: Bench) -> None:
    async with remote_mx({"END": Last("250 2.0.0 Taken, and bye")}) as mx, bench.link(hop_to(host_of(mx))) as link:
        assert link.is_usable
        await bench.over(link)
        await until(lambda: not link.is_usable)


@pytest.mark.parametrize("order", ["421 4.4.2 Timeout", DROP])
@pytest.mark.parametrize("keywords", WAYS)
async def test_an_idle_link_that_died(bench: Bench, keywords: tuple[str, ...], order: str) -> None:
    """It is opened anew, once."""
    async with remote_mx({"MAIL": [None, order]}, keywords=keywords) as mx, bench.link(hop_to(host_of(mx))) as link:
        assert short(await bench.over(link)) == [("relayed", 250, "2.0.0", False)]
        assert short(await bench.over(link)) == [("relayed", 250, "2.0.0", False)]
        assert mx.connections == 2
        mx.orders["MAIL"] = order
        assert short(await bench.over(link))[0][0] == "deferred"
        assert mx.connections == 3


@pytest.mark.parametrize("keywords", WAYS)
async def test_a_reply_that_nobody_asked_for(bench: Bench, keywords: tuple[str, ...]) -> None:
    """It answers nothing that is asked after it: each reply would stand for the question before its own."""
    orders: Orders = {"END": [Raw(b"250 2.0.0 Taken\r\n250 2.0.0 Taken\r\n"), "554 5.6.0 No"]}
    async with remote_mx(orders, keywords=keywords) as mx, bench.link(hop_to(host_of(mx))) as link:
        assert short(await bench.over(link))[0][0] == "relayed"
        assert short(await bench.over(link, [BOB, CAT])) == [("failed", 554, "5.6.0", False)] * 2
        assert mx.connections == 2


async def test_a_host_that_always_says_too_much(bench: Bench) -> None:
    async with remote_mx({"EHLO": Raw(b"250-mx\r\n250 CHUNKING\r\n250 OK\r\n")}) as mx:
        async with asyncio.timeout(20):
            (outcome,) = await bench.send(hop_to(host_of(mx)))
        assert (outcome.kind, outcome.blames_host) == (Kind.DEFERRED, True)
        assert mx.connections == 2


async def test_an_idle_link_whose_host_died(bench: Bench) -> None:
    async with remote_mx({"MAIL": [None, DROP]}) as mx, bench.link(hop_to(host_of(mx))) as link:
        await bench.over(link)
        mx.orders["GREETING"] = "421 4.3.2 Not now"
        assert short(await bench.over(link, [BOB, CAT])) == [("deferred", 421, "4.3.2", True)] * 2
        assert not link.is_usable


async def test_a_link_that_is_used_up_is_opened_anew(bench: Bench) -> None:
    """Whoever does not ask is_usable first is served all the same."""
    async with remote_mx({"END": [Last("250 2.0.0 Taken, and bye")]}) as mx, bench.link(hop_to(host_of(mx))) as link:
        assert [short(await bench.over(link))[0][0] for _ in range(3)] == ["relayed"] * 3
        assert mx.connections == 2


@pytest.mark.parametrize(
    "orders",
    [
        {"MAIL": "421 4.3.2 Not now"},
        {"MAIL": "452 4.3.1 Full"},
        {"RCPT": [None, "421 4.3.2 Not now"]},
        {"RCPT": DROP},
        {"END": "452 4.3.1 Full"},
    ],
)
@pytest.mark.parametrize("keywords", WAYS)
async def test_the_next_host_where_this_one_is_at_fault(
    bench: Bench, keywords: tuple[str, ...], orders: Orders
) -> None:
    """RFC 5321 §5.1; the link stays there"""
    async with (
        remote_mx(orders, keywords=keywords) as bad,
        remote_mx(keywords=keywords) as good,
        bench.link(hop_to(host_of(bad), host_of(good))) as link,
    ):
        outcomes = await bench.over(link, [BOB, CAT])
        assert [one.kind for one in outcomes] == [Kind.RELAYED] * 2
        assert len(good.messages) == 1 and not bad.messages
        assert short(await bench.over(link)) == [("relayed", 250, "2.0.0", False)]
        assert len(good.messages) == 2


@pytest.mark.parametrize(
    ("orders", "wanted"),
    [
        ({"END": DROP}, ("deferred", 0, "4.4.2", True)),
        ({"END": Raw(b"nonsense\r\n")}, ("deferred", 0, "4.4.2", True)),
        ({"MAIL": "451 4.7.1 Greylisted"}, ("deferred", 451, "4.7.1", False)),
        ({"RCPT": "451 4.2.1 Later"}, ("deferred", 451, "4.2.1", False)),
        ({"END": "550 5.7.1 Spam"}, ("failed", 550, "5.7.1", False)),
    ],
)
async def test_not_the_next_host(bench: Bench, orders: Orders, wanted: tuple[str, int, str, bool]) -> None:
    """What may have arrived, and what is about the message."""
    async with remote_mx(orders) as bad, remote_mx() as good:
        assert short(await bench.send(hop_to(host_of(bad), host_of(good)))) == [wanted]
        assert good.connections == 0


async def test_what_went_in_one_flight_may_have_arrived(bench: Bench) -> None:
    """Its host has said nothing at all: replies to one flight come together. The next try waits for those to RCPT."""
    async with (
        remote_mx({"MAIL": DROP}) as bad,
        remote_mx() as good,
        bench.link(hop_to(host_of(bad), host_of(good))) as link,
    ):
        assert short(await bench.over(link)) == [("deferred", 0, "4.4.2", True)]
        assert any(line.startswith("C: BDAT") for line in bench.lines) and good.connections == 0
    async with (
        remote_mx({"MAIL": DROP}) as bad,
        remote_mx() as good,
        bench.link(hop_to(host_of(bad), host_of(good))) as link,
    ):
        assert short(await bench.over(link, attempts=1)) == [("relayed", 250, "2.0.0", False)]
        assert len(good.messages) == 1


async def test_no_next_host(bench: Bench) -> None:
    """The first one's words are told."""
    async with remote_mx({"MAIL": "421 4.3.2 Not now"}) as bad:
        closed = dataclasses.replace(host_of(bad), port=1)
        assert short(await bench.send(hop_to(host_of(bad), closed))) == [("deferred", 421, "4.3.2", True)]


# -- what does not fit ---------------------------------------------------------------------------------------------

UNFIT: list[tuple[tuple[str, ...], Envelope, bytes, str]] = [
    (KEYWORDS, Envelope(ANN), b"a: b\n\r\n", "5.6.11"),
    (KEYWORDS, Envelope(ANN), b"a: b\r\n\r\nb\rc\r\n", "5.6.11"),
    (("SIZE 10",), Envelope(ANN), MESSAGE, "5.3.4"),
    ((), Envelope(ANN), "a: b\r\n\r\nä\r\n".encode(), "5.6.3"),
    (("8BITMIME",), Envelope(ANN, smtputf8=True), "a: ä\r\n\r\n".encode(), "5.6.7"),
    (("REQUIRETLS",), Envelope(ANN, requiretls=True), MESSAGE, "5.7.30"),
    ((), Envelope(ANN, deliver_by=DeliverBy(60, "R")), MESSAGE, "5.3.3"),
]


@pytest.mark.parametrize(("keywords", "envelope", "octets", "enhanced"), UNFIT)
async def test_a_message_that_does_not_fit(
    bench: Bench, keywords: tuple[str, ...], envelope: Envelope, octets: bytes, enhanced: str
) -> None:
    async with remote_mx(keywords=keywords) as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx)), octets=octets, envelope=envelope)
        assert (outcome.kind, outcome.code, outcome.enhanced) == (Kind.FAILED, 0, enhanced)
        assert not [line for line in mx.commands if line.startswith("MAIL")]


async def test_a_recipient_that_does_not_fit(bench: Bench) -> None:
    async with remote_mx(keywords=()) as mx:
        outcomes = await bench.send(hop_to(host_of(mx)), ["jörg@b.example", "ann@bücher.example"])
        assert short(outcomes) == [("failed", 0, "5.6.7", False), ("relayed", 250, "2.0.0", False)]
        assert mx.messages[0].forward_paths == ("ann@xn--bcher-kva.example",)


async def test_parameters(bench: Bench) -> None:
    """RFC 3461 §4, RFC 2852 §4: so many seconds are left"""
    envelope = Envelope(ANN, ret="HDRS", envid=b"q1", priority=4, deliver_by=DeliverBy(600, "R"))
    async with (
        remote_mx(keywords=(*KEYWORDS, "MT-PRIORITY", "DELIVERBY 60")) as mx,
        bench.link(hop_to(host_of(mx))) as it,
    ):
        bench.clock.jump(0)
        (outcome,) = await bench.over(it, envelope=envelope)
        assert outcome.has_dsn
        (message,) = mx.messages
        assert message.mail == "MAIL FROM:<ann@client.example> SIZE=58 RET=HDRS ENVID=q1 MT-PRIORITY=4 BY=600;R"


@pytest.mark.parametrize(("age_s", "left_s"), [(0, 600), (599, 1), (-86_400, 600)])
async def test_the_time_that_is_left(bench: Bench, age_s: int, left_s: int) -> None:
    """RFC 2852 §4: never more than was given, though the clock went back since the message came."""
    envelope = Envelope(ANN, deliver_by=DeliverBy(600, "N"))
    async with remote_mx(keywords=("DELIVERBY",)) as mx, bench.link(hop_to(host_of(mx))) as it:
        assert short(await bench.over(it, envelope=envelope, age_s=age_s))[0][0] == "relayed"
        assert mx.messages[0].mail.endswith(f" BY={left_s};N")
