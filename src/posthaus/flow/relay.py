"""The relay: opens a link to a next hop, over whatever TLS is demanded of its hosts.

open() tries the hosts in order, each of their addresses in turn, and gives the first link that stands, or one Outcome
that tells why there is none. It raises nothing for what the network or a host does. Decided here:

Whatever goes wrong before MAIL is the way's or the host's fault, never the message's: the next host is tried, and when
none is left the mail is deferred and the host blamed. That holds for 5xx to the connection, EHLO or AUTH as well,
because those come from lists of bad addresses and from hosts that are being repaired, and pass. Only when every host
says 521, that it never takes mail (RFC 7504), the mail fails.

Opportunistic TLS that fails is done without: after a refusal over the same connection, after a handshake that came to
nothing over a new one to the same address (RFC 7435). It protects from those who listen; an attacker who can break the
handshake could have taken away STARTTLS too. Where TLS is demanded nothing is ever sent without it. An MTA-STS policy
in mode testing is judged first, the failure told, and then it is as without one.

Octets that came in the clear behind the reply to STARTTLS were put there by somebody else; the connection is given up.

Each try at TLS is told to `on_tls`, with the failure as RFC 8460 names it or None.

Standards: RFC 5321 §5.1 and §4.2.4.2, RFC 3207 §4.1 and §6, RFC 4954 §4, RFC 7435, RFC 7504, RFC 7672 §2,
           RFC 8314 §3.3, RFC 8460 §4.3, RFC 8461 §5, RFC 8689 §4.2.
Faults:    none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.base.clock import Clock
from posthaus.base.log import Log
from posthaus.flow.dialogue import Dialogue, Lost
from posthaus.flow.hop import Demand, Host, NextHop
from posthaus.flow.link import Errand, Link, Parcel, Reached
from posthaus.mail.outcome import Kind, Outcome
from posthaus.net.connect import ConnectFault, Connector
from posthaus.net.tlsclient import ClientTls, Proof, Wanted
from posthaus.net.tlslayer import TlsFault
from posthaus.proto.sasl import client as sasl
from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.smtp.client import Client, Trace
from posthaus.proto.smtp.replyread import Heard
from posthaus.store.blob import BlobStore

__all__ = ["Errand", "Link", "OnTls", "Parcel", "Relay", "TlsFailure"]

_NEVER_TAKES_MAIL = 521  # RFC 7504 §3
_POLICY_WORDS = {"sts": "MTA-STS", "tlsa": "DANE"}


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """One failed try, as RFC 8460 §4.4 wants it told."""

    kind: str  # a result type of RFC 8460 §4.3
    reason: str
    source: str = ""  # our address
    helo: str = ""  # what the host called itself


OnTls = Callable[[NextHop, Host, str, TlsFailure | None], None]
"""next hop, host, address, failure."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One connection's TLS: which proof, or None for none at all. is_last: what fails is not tried in another way.
    is_quiet: what failed before has been told, and this is no session more."""

    proof: Proof | None
    is_last: bool = False
    is_quiet: bool = False


_IN_THE_CLEAR = _Way(None, is_last=True)
_WAYS = {
    Demand.NONE: (_IN_THE_CLEAR,),
    Demand.OPPORTUNISTIC: (_Way(Proof.NONE), _IN_THE_CLEAR),
    Demand.ENCRYPTED: (_Way(Proof.NONE, is_last=True),),
    Demand.VERIFIED: (_Way(Proof.AUTHORITY, is_last=True),),
    Demand.DANE: (_Way(Proof.DANE, is_last=True),),
}
# RFC 8461 §5: a policy in mode testing is judged, told, and then done without.
_TESTING = (_Way(Proof.AUTHORITY), _Way(Proof.NONE, is_quiet=True), _IN_THE_CLEAR)


def _ways(host: Host, requiretls: bool) -> tuple[_Way, ...]:
    """The connections that are tried, one after the other."""
    if host.demand is Demand.OPPORTUNISTIC and requiretls and host.is_proven:
        return _WAYS[Demand.VERIFIED]  # RFC 8689 §4.2.1: the name is proven, now the host
    if host.demand is Demand.OPPORTUNISTIC and host.policy == "sts" and host.names:
        return _TESTING
    return _WAYS[host.demand]


class _NoTls(Exception):
    """TLS was tried and is not there; the failure has been told."""


class _Refused(Exception):
    """This address does not help; the outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Relay:
    """One worker's way to other servers."""

    def __init__(
        self,
        *,
        hostname: str,
        connector: Connector,
        tls: ClientTls,
        blobs: BlobStore,
        clock: Clock,
        chance: Chance,
        log: Log,
        on_tls: OnTls | None = None,
        trace: Trace | None = None,
    ) -> None:
        """hostname: of EHLO. trace: is told each line of each dialogue, for an admin who looks on."""
        self._hostname = hostname
        self._connector = connector
        self._tls = tls
        self._blobs = blobs
        self._clock = clock
        self._chance = chance
        self._log = log
        self._on_tls = on_tls
        self._trace = trace

    async def open(self, hop: NextHop, *, requiretls: bool = False) -> Link | Outcome:
        """`requiretls`: only a host that is verified and announces REQUIRETLS will do (RFC 8689 §4.2.1)."""
        every = [(host, address) for host in hop.hosts for address in host.addresses]
        places = iter(every[: limit.RELAY_ADDRESSES])
        found = await self._next(hop, places, requiretls)
        if isinstance(found, Outcome):
            return found
        return Link(
            found,
            blobs=self._blobs,
            clock=self._clock,
            again=lambda host, address: self.reach(hop, host, address, requiretls=requiretls),
            following=lambda: self._next(hop, places, requiretls),
        )

    async def _next(self, hop: NextHop, places: Iterator[tuple[Host, str]], requiretls: bool) -> Reached | Outcome:
        """The first of the places that are left where mail can be handed over."""
        failed: list[Outcome] = []
        for host, address in places:
            found = await self.reach(hop, host, address, requiretls=requiretls)
            if isinstance(found, Dialogue):
                if not requiretls or (found.is_verified and found.engine.offered.requiretls):
                    return Reached(found, host, address)
                await found.close()
                found = _unfit_for_requiretls(found, host, address)
            self._log.event("relay.refused", host=host.name, address=address, code=found.code, why=found.text)
            failed.append(found)
        return _together(failed)

    async def reach(self, hop: NextHop, host: Host, address: str, *, requiretls: bool = False) -> Dialogue | Outcome:
        """A connection to this address that is ready for MAIL."""
        try:
            for way in _ways(host, requiretls):
                try:
                    return await self._try(hop, host, address, way)
                except _NoTls:
                    continue
        except _Refused as refused:
            return refused.outcome
        raise AssertionError("the last way is never done without")

    async def _try(self, hop: NextHop, host: Host, address: str, way: _Way) -> Dialogue:
        try:
            stream = await self._connector.connect(address, host.port)
        except ConnectFault as fault:
            self._note(f"{host.name}[{address}]:{host.port}: {fault}")
            raise _Refused(_outcome(host, address, f"cannot connect: {fault}", "4.4.1")) from None
        dialogue = Dialogue(stream, Client(self._hostname, trace=self._trace))
        self._note(f"connected to {host.name}[{address}]:{host.port} from {stream.peer.local_address}")
        try:
            await self._enter(dialogue, hop, host, address, way)
        except Lost as lost:
            await dialogue.close()
            raise _Refused(_outcome(host, address, str(lost), "4.4.2", tls=dialogue.tls)) from None
        except (_NoTls, _Refused):
            await dialogue.close()
            raise
        except BaseException:
            stream.abort()
            raise
        return dialogue

    async def _enter(self, dialogue: Dialogue, hop: NextHop, host: Host, address: str, way: _Way) -> None:
        """From the connection to the state in which MAIL may be said."""
        if host.is_tls_first:
            await self._handshake(dialogue, hop, host, address, way)
        self._want(await dialogue.reply(), dialogue, host, address)
        await self._hello(dialogue, host, address)
        with_tls = way.proof is not None and not host.is_tls_first
        if with_tls and await self._start_tls(dialogue, hop, host, address, way):
            await self._hello(dialogue, host, address)
        if host.credential is not None:
            await self._log_in(dialogue, host, address)

    async def _hello(self, dialogue: Dialogue, host: Host, address: str) -> None:
        dialogue.engine.hello()
        self._want(await dialogue.reply(), dialogue, host, address)

    def _want(self, heard: Heard, dialogue: Dialogue, host: Host, address: str) -> None:
        """2xx, or the next host."""
        if not heard.is_positive:
            kind = Kind.FAILED if heard.code == _NEVER_TAKES_MAIL else Kind.DEFERRED
            raise _Refused(_replied(kind, heard, dialogue, host, address))

    # -- TLS -------------------------------------------------------------------------------------------------------

    async def _start_tls(self, dialogue: Dialogue, hop: NextHop, host: Host, address: str, way: _Way) -> bool:
        """Whether TLS is up now."""
        engine = dialogue.engine
        if not engine.offered.starttls:
            return self._without_tls(dialogue, hop, host, address, way, "STARTTLS is not offered")
        engine.start_tls()
        heard = await dialogue.reply()
        if not heard.is_positive:
            if engine.is_over:
                raise _Refused(_replied(Kind.DEFERRED, heard, dialogue, host, address))
            words = f"STARTTLS was refused: {heard.code} {heard.text}"
            return self._without_tls(dialogue, hop, host, address, way, words)
        if engine.buffered or dialogue.stream.take():
            dialogue.stream.abort()
            fault = TlsFault("octets in the clear behind the reply to STARTTLS")
            self._tell(dialogue, hop, host, address, fault, way)
            raise _Refused(_outcome(host, address, str(fault), "4.7.0"))
        await self._handshake(dialogue, hop, host, address, way)
        engine.after_tls()
        return True

    def _without_tls(self, dialogue: Dialogue, hop: NextHop, host: Host, address: str, way: _Way, words: str) -> bool:
        """On in the clear over the same connection (RFC 3207 §4), or to the next host."""
        self._tell(dialogue, hop, host, address, TlsFault(words, "starttls-not-supported"), way)
        if way.is_last:
            raise _Refused(_outcome(host, address, f"TLS is demanded: {words}", "4.7.5"))
        return False

    async def _handshake(self, dialogue: Dialogue, hop: NextHop, host: Host, address: str, way: _Way) -> None:
        # RFC 7672 §8.1: by SNI the TLSA base domain is asked for, which need not be the host's name
        name = host.names[0] if way.proof is Proof.DANE and host.names else host.name
        wanted = Wanted(way.proof or Proof.NONE, name, host.names, host.tlsa)
        try:
            dialogue.is_verified = await self._tls.secure(dialogue.stream, wanted, self._clock.now())
        except ConnectionError as fault:
            fault = fault if isinstance(fault, TlsFault) else TlsFault(str(fault))
            self._tell(dialogue, hop, host, address, fault, way)
            if way.is_last or host.is_tls_first:
                raise _Refused(_outcome(host, address, f"TLS is demanded: {fault}", "4.7.5")) from None
            raise _NoTls from None
        state = dialogue.stream.tls
        assert state is not None
        proof = f", verified by {_POLICY_WORDS.get(host.policy, 'its certificate')}" if dialogue.is_verified else ""
        dialogue.tls = f"{state.version} {state.cipher}{proof}"
        self._note(dialogue.tls)
        if self._on_tls is not None and not way.is_quiet:
            self._on_tls(hop, host, address, None)

    def _tell(self, dialogue: Dialogue, hop: NextHop, host: Host, address: str, fault: TlsFault, way: _Way) -> None:
        self._note(f"no TLS: {fault} ({fault.kind})")
        self._log.event("relay.no-tls", host=host.name, address=address, kind=fault.kind, why=str(fault))
        if self._on_tls is not None and not way.is_quiet:
            source, helo = dialogue.stream.peer.local_address, dialogue.engine.offered.name
            self._on_tls(hop, host, address, TlsFailure(fault.kind, str(fault), source, helo))

    def _note(self, words: str) -> None:
        if self._trace is not None:
            self._trace("*", words)

    # -- AUTH ------------------------------------------------------------------------------------------------------

    async def _log_in(self, dialogue: Dialogue, host: Host, address: str) -> None:
        assert host.credential is not None
        if not dialogue.tls and not dialogue.stream.peer.is_loopback:
            raise _Refused(_outcome(host, address, "no log-in without TLS", "4.7.11"))
        nonce = sasl.render_nonce(self._chance.octets(sasl.NONCE_OCTETS))
        try:
            offered = dialogue.engine.offered.mechanisms
            chosen = sasl.choose(offered, host.credential.name, host.credential.password, nonce)
        except SaslFault as fault:
            raise _Refused(_outcome(host, address, f"log-in failed: {fault}", "4.7.8")) from None
        if chosen is None:
            words = f"no way to log in that we know is offered: {' '.join(offered) or 'none'}"
            raise _Refused(_outcome(host, address, words, "4.7.4"))
        dialogue.engine.authenticate(chosen)
        heard = await dialogue.reply()
        if not heard.is_positive:
            raise _Refused(_replied(Kind.DEFERRED, heard, dialogue, host, address))


def _unfit_for_requiretls(dialogue: Dialogue, host: Host, address: str) -> Outcome:
    if not dialogue.tls:
        return Outcome(Kind.FAILED, 0, "5.7.10", "The message requires TLS, and this host has none", host.name, address)
    text = "The message requires TLS on its whole way, and this host does not promise it (REQUIRETLS)"
    return Outcome(Kind.FAILED, 0, "5.7.30", text, host.name, address, dialogue.tls)


def _outcome(host: Host, address: str, words: str, enhanced: str, *, tls: str = "") -> Outcome:
    return Outcome(Kind.DEFERRED, 0, enhanced, words, host.name, address, tls, blames_host=True)


def _replied(kind: Kind, heard: Heard, dialogue: Dialogue, host: Host, address: str) -> Outcome:
    """A status code must fit the outcome: a 5.7.1 that only defers is left out."""
    is_fit = kind is Kind.FAILED or heard.enhanced.startswith("4")
    enhanced = heard.enhanced if is_fit else ""
    return Outcome(
        kind, heard.code, enhanced, heard.text, host.name, address, dialogue.tls, blames_host=kind is Kind.DEFERRED
    )


def _together(failed: list[Outcome]) -> Outcome:
    """One outcome for all hosts: what may pass before what will not, a host's own words before ours."""
    if not failed:
        return Outcome(Kind.DEFERRED, 0, "4.4.4", "the next hop has no address", blames_host=True)
    passing = [one for one in failed if one.kind is Kind.DEFERRED]
    replied = [one for one in passing if one.code]
    return (replied or passing or failed)[-1]
