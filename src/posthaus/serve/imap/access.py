"""Commands of any state and of the way in: CAPABILITY, NOOP, ID, STARTTLS, LOGIN, AUTHENTICATE, ENABLE, LOGOUT, IDLE.

Standards: RFC 9051 §6.1, §6.2, §6.3.1, §6.3.10, §6.3.13; RFC 2971; RFC 5161; RFC 2177; RFC 2342;
           RFC 7162 §3.1, §3.2.3, RFC 6855 §3 (ENABLE); RFC 5464 §4.4, RFC 9586 §3.1 (ENABLE).
Faults:    those of flow/login.py.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from posthaus import __version__
from posthaus.flow.access import PREFIXES
from posthaus.flow.identity import BadExchange, Exchange, Identity
from posthaus.flow.login import clear_allowed
from posthaus.proto.imap import capability, code, render
from posthaus.proto.imap.command import (
    Authenticate,
    Capability,
    Check,
    Compress,
    Enable,
    Id,
    Idle,
    Login,
    Logout,
    Namespace,
    Noop,
    StartTls,
    Unauthenticate,
)
from posthaus.proto.imap.event import IdleEnd, SaslCancelled, SaslResponse
from posthaus.serve.imap import context
from posthaus.store.mailbox import SEPARATOR

if TYPE_CHECKING:
    from posthaus.flow.site import Site
    from posthaus.net.stream import Stream
    from posthaus.serve.imap.session import ImapSession

SERVICE = "imap"
_ENABLABLE = (b"IMAP4REV2", b"CONDSTORE", b"QRESYNC", b"METADATA", b"UTF8=ACCEPT", b"UIDONLY")
_ID = ((b"name", b"Posthaus"), (b"version", __version__.encode()))


def offer(stream: "Stream", site: "Site", *, starttls: bool) -> capability.Offer:
    """What this connection can be offered as it stands."""
    return capability.Offer(
        tls=stream.tls is not None,
        starttls=starttls and stream.tls is None,
        clear_allowed=clear_allowed(stream),
        mechanisms=site.login.offered(stream),
        append_limit=site.message_octets,
        message_limit=site.message_limit,
        save_limit=site.save_limit,
    )


async def capabilities(session: "ImapSession", command: Capability) -> None:
    session.say(render.capability(session.engine.capabilities()))
    session.ok(command.tag, "CAPABILITY completed")


async def noop(session: "ImapSession", command: Noop | Check) -> None:
    await session.tell_news(may_expunge=True)
    session.ok(command.tag, "Done")


async def identify(session: "ImapSession", command: Id) -> None:
    """For logs and faults; nothing depends on it but Need.NO_UIDONLY.

    RFC 2971 §3.1 not: that one client is known by its name.
    """
    words = {k.decode("ascii", "replace"): v.decode("utf-8", "replace") for k, v in command.pairs or () if v}
    if words:
        session.site.log.event(
            "imap.id", cid=session.stream.cid, name=words.get("name", ""), version=words.get("version", "")
        )
        if "microsoft" in f"{words.get('name', '')} {words.get('vendor', '')}".lower():
            session.engine.offer = replace(session.engine.offer, uid_only=False)
    session.say(render.id_line(_ID))
    session.ok(command.tag, "ID completed")


async def start_tls(session: "ImapSession", command: StartTls) -> None:
    assert session.begin_tls is not None  # the engine answers what is not offered
    session.engine.ok(command.tag, "Begin TLS")
    await session.flush()
    await session.begin_tls(session.stream)
    session.engine.after_tls()
    session.engine.offer = offer(session.stream, session.site, starttls=False)


async def compress(session: "ImapSession", command: Compress) -> None:
    """RFC 4978 §3: the OK is the last that goes out as it is."""
    if session.stream.compressed:
        session.no(command.tag, "It is compressed already", code.COMPRESSIONACTIVE)
    elif command.mechanism != b"DEFLATE":
        session.no(command.tag, "No such mechanism here", code.CANNOT)
    else:
        session.engine.ok(command.tag, "Deflated from here on")
        await session.flush()
        session.stream.begin_deflate()


async def unauthenticate(session: "ImapSession", command: Unauthenticate) -> None:
    """All is as after the greeting (RFC 8437 §4), but for TLS. Not while it is compressed, which has no way back."""
    if session.stream.compressed:
        session.bad(command.tag, "Not on a compressed connection")  # it is not announced there; RFC 8437 §3 has no NO
        return
    session.log_out()
    session.ok(command.tag, "Nobody is logged in")


async def login(session: "ImapSession", command: Login) -> None:
    name, password = command.name.decode("utf-8", "replace"), command.password.decode("utf-8", "surrogateescape")
    identity = await session.site.login.password(name, password, session.stream.peer, SERVICE, "LOGIN")
    _welcome(session, command.tag, identity)


async def authenticate(session: "ImapSession", command: Authenticate) -> None:
    session.exchange = session.site.login.begin(command.mechanism, session.stream, SERVICE)
    await _step(session, command.tag, session.exchange, command.initial or b"")


async def sasl_response(session: "ImapSession", event: SaslResponse) -> None:
    exchange: Exchange | None = session.exchange
    assert exchange is not None
    await _step(session, event.tag, exchange, event.octets)


async def sasl_cancelled(session: "ImapSession", event: SaslCancelled) -> None:
    session.exchange = None


async def _step(session: "ImapSession", tag: bytes, exchange: Exchange, response: bytes) -> None:
    try:
        found = await exchange.step(response)
    except BadExchange as fault:
        session.exchange = None
        session.site.log.event("imap.sasl", cid=session.stream.cid, why=str(fault))
        session.bad(tag, "Not a response of this mechanism")
        return
    except BaseException:
        session.exchange = None
        raise
    if isinstance(found, Identity):
        session.exchange = None
        _welcome(session, tag, found)
    else:
        session.engine.challenge(found)


def _welcome(session: "ImapSession", tag: bytes, identity: Identity) -> None:
    session.identity = identity
    what = code.capability(capability.announced(session.engine.offer, authenticated=True))
    session.ok(tag, "Logged in", what)


async def enable(session: "ImapSession", command: Enable) -> None:
    may_uid_only = session.engine.offer.uid_only
    names = tuple([name for name in command.names if name in _ENABLABLE and (may_uid_only or name != b"UIDONLY")])
    session.engine.enabled(names)
    if b"CONDSTORE" in names or b"QRESYNC" in names:  # RFC 7162 §3.2.3: the latter is the former and more
        session.want_modseqs()
    if b"UIDONLY" in names:
        context.end_those_by_number(session)
    session.ok(command.tag, "ENABLE completed")


async def namespace(session: "ImapSession", command: Namespace) -> None:
    others, teams = ((prefix, SEPARATOR) for prefix in PREFIXES)
    session.say(render.namespace([("", SEPARATOR)], [others], [teams], utf8=session.engine.utf8))
    session.ok(command.tag, "NAMESPACE completed")


async def idle(session: "ImapSession", command: Idle) -> None:
    session.engine.idle()
    session.idle(True)


async def idle_end(session: "ImapSession", event: IdleEnd) -> None:
    session.idle(False)
    if event.done:
        await session.tell_news(may_expunge=True)
        session.ok(event.tag, "IDLE completed")


async def logout(session: "ImapSession", command: Logout) -> None:
    session.engine.bye("Goodbye")
    session.ok(command.tag, "LOGOUT completed")
