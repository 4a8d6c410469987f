"""A link: an open connection to a host of the next hop, over which one message after the other is sent.

send() gives one Outcome for each recipient and raises nothing for what the network or the host does. Decided here:

A recipient is RELAYED when RCPT and the end of data were answered with 2xx. 5xx to MAIL, RCPT, DATA or the end of data
fails it, all else defers it: also a connection that is lost after the last octet, before the reply, when the host may
have the message (RFC 5321 §6.1 wants it sent twice rather than lost). 552 to RCPT is read as 452 unless its enhanced
code speaks of the mailbox (RFC 5321 §4.5.3.1.10). Where RCPT says "too many recipients" the rest goes in the next
transaction. An outcome blames the host for 421, for a lost connection, and for 4xx that speaks of the whole system.

A link that had been idle may be dead without having said so. What it is asked then is asked once more over a new one,
if the host had not answered anything.

What is deferred and blames the host is tried at the next host of the hop at once (RFC 5321 §5.1), and the link stays
there; only what may have arrived, because the connection was lost after the last octet, is not. A message that goes in
one flight with MAIL has its last octet there at once, so after a try that came to nothing it waits for RCPT's replies:
a host that always hangs up at MAIL shall not keep mail from the next one.

Standards: RFC 5321 §3.3, §4.2, §4.5.3.1.10, §4.5.4.1 and §6.1, RFC 2852 §4, RFC 3463, RFC 9422 §4.
Faults:    Trouble of the store, where octets that lie outside cannot be read; the connection is cut then.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.base.error import Trouble
from posthaus.base.value import value
from posthaus.flow.dialogue import Dialogue, Lost
from posthaus.flow.hop import Host
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Kind, Outcome
from posthaus.proto.smtp import fit
from posthaus.proto.smtp.content import Survey
from posthaus.proto.smtp.fit import Unfit
from posthaus.proto.smtp.heard import Ask, Settled, Verdict
from posthaus.proto.smtp.replyread import Heard
from posthaus.store.blob import BlobStore, Octets

# 4xx with these is about the host: no space, not accepting messages, congested.
_OF_THE_HOST = frozenset({"4.3.1", "4.3.2", "4.4.5"})
_TOO_MANY = {452: ("", "4.5.3"), 552: ("", "5.5.3")}


class Parcel(Protocol):
    """What a link must know of a message; store/queue.py has it."""

    @property
    def envelope(self) -> Envelope: ...

    @property
    def created(self) -> int:
        """Unix seconds; from when RFC 2852 counts."""
        ...


class Errand(Protocol):
    @property
    def recipient(self) -> Recipient: ...

    @property
    def attempts(self) -> int:
        """How often it was tried before."""
        ...


class MissingOctets(Trouble):
    """A message is shorter than its row says."""


@value
class Reached:
    """A connection that is ready for MAIL, and to whom."""

    dialogue: Dialogue
    host: Host
    address: str


class Link:
    """One connection at a time to one host."""

    def __init__(
        self,
        reached: Reached,
        *,
        blobs: BlobStore,
        clock: Clock,
        again: Callable[[Host, str], Awaitable[Dialogue | Outcome]],
        following: Callable[[], Awaitable[Reached | Outcome]],
    ) -> None:
        """again: one more connection there. following: one to the next place of the hop."""
        self._blobs = blobs
        self._clock = clock
        self._again = again
        self._following = following
        self._take(reached)

    def _take(self, reached: Reached) -> None:
        self._dialogue, self.host, self.address = reached.dialogue, reached.host, reached.address
        self._transactions = 0  # over this connection

    @property
    def is_usable(self) -> bool:
        """The next message may go over it."""
        dialogue = self._dialogue
        return (
            not dialogue.engine.is_over
            and dialogue.stream.is_quiet
            and not dialogue.engine.buffered
            and self._transactions < dialogue.engine.offered.transactions
        )

    @property
    def tls(self) -> str:
        return self._dialogue.tls

    async def close(self) -> None:
        """With a QUIT. Whoever has no time to wait for its end cancels this, and then the connection is cut."""
        try:
            await self._dialogue.close()
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """At once: what is on its way is on its way, and nobody will know."""
        self._dialogue.stream.abort()

    async def send(self, parcel: Parcel, errands: Sequence[Errand], octets: Octets) -> list[Outcome]:
        """One outcome for each errand, in their order."""
        survey = Survey()
        async for piece in self._pieces(octets):
            survey.add(piece)
        survey.finish()
        found: dict[int, Outcome] = {}
        waiting = list(range(len(errands)))
        while waiting:
            fault = self._fault(parcel, survey)
            if fault is not None:
                found |= dict.fromkeys(waiting, self._unfit(fault))
                break
            for at in waiting:
                unfit = fit.recipient_fault(errands[at].recipient, self._dialogue.engine.offered)
                if unfit is not None:
                    found[at] = self._unfit(unfit)
            waiting = [at for at in waiting if at not in found]
            if not waiting:
                break
            if not self.is_usable:
                refused = await self._renew()
                if refused is not None:
                    found |= dict.fromkeys(waiting, refused)
                    break
                continue
            batch = self._batch(errands, waiting)
            outcomes = await self._transact(parcel, [errands[at] for at in batch], survey, octets)
            decided = {at: one for at, one in zip(batch, outcomes, strict=True) if one is not None}
            if any(self._is_for_the_next(one) for one in decided.values()) and await self._move():
                decided = {at: one for at, one in decided.items() if not _is_the_hosts(one)}
            found |= decided
            waiting = [at for at in waiting if at not in found]
        return [found[at] for at in range(len(errands))]

    async def probe(self, envelope: Envelope, recipient: Recipient) -> Outcome:
        """MAIL and RCPT, and no message: what would become of one for this recipient. RELAYED: it would be taken."""
        dialogue = self._dialogue
        engine = dialogue.engine
        unfit = fit.recipient_fault(recipient, engine.offered)
        if unfit is not None:
            return self._unfit(unfit)
        mail = fit.render_mail(envelope, [recipient], Survey(), engine.offered)
        try:
            for line in (mail, fit.render_rcpt(recipient, engine.offered)):
                engine.probe(line)
                heard = await dialogue.reply()
                if not heard.is_positive:
                    return self._outcome((Ask.RCPT, heard), "")
            engine.reset()
            await dialogue.reply()
        except Lost as lost:
            return self._outcome(None, str(lost))
        return replace(self._outcome((Ask.RCPT, heard), ""), kind=Kind.RELAYED)

    # -- another connection ----------------------------------------------------------------------------------------

    async def _renew(self) -> Outcome | None:
        """To the same host, or why not."""
        await self._dialogue.close()
        again = await self._again(self.host, self.address)
        if isinstance(again, Outcome):
            return again
        self._take(Reached(again, self.host, self.address))
        return None if self.is_usable else self._outcome(None, "the host says what it was not asked, or closes")

    def _is_for_the_next(self, outcome: Outcome) -> bool:
        """RFC 1047 §3: what may have been delivered is not sent to another host in the same breath."""
        may_have_it = not outcome.code and self._dialogue.engine.may_be_taken
        return _is_the_hosts(outcome) and not may_have_it

    async def _move(self) -> bool:
        """To the next host, if one can be reached."""
        following = await self._following()
        if isinstance(following, Outcome):
            return False
        await self._dialogue.close()
        self._take(following)
        return True

    # -- one transaction -------------------------------------------------------------------------------------------

    def _batch(self, errands: Sequence[Errand], waiting: Sequence[int]) -> list[int]:
        """As many as the host takes in one transaction (RFC 9422 §4)."""
        offered = self._dialogue.engine.offered
        batch: list[int] = []
        domains: set[str] = set()
        for at in waiting:
            domain = errands[at].recipient.address.domain
            if domain not in domains and len(domains) == offered.domains:
                continue
            domains.add(domain)
            batch.append(at)
            if len(batch) == offered.recipients:
                break
        return batch

    async def _transact(
        self, parcel: Parcel, errands: Sequence[Errand], survey: Survey, octets: Octets
    ) -> list[Outcome | None]:
        """One transaction; None for a recipient that waits for the next one."""
        was_idle = self._transactions > 0
        verdicts, words = await self._once(parcel, errands, survey, octets)
        if was_idle and self._dialogue.engine.is_over and not self._dialogue.engine.is_answered:
            refused = await self._renew()
            if refused is not None:
                return [refused] * len(errands)
            fault = self._fault(parcel, survey)
            if fault is not None:
                return [self._unfit(fault)] * len(errands)
            verdicts, words = await self._once(parcel, errands, survey, octets)
        is_progress = any(verdict is not None and verdict[1].is_positive for verdict in verdicts)
        return [
            None if is_progress and _is_too_many(verdict) and self.is_usable else self._outcome(verdict, words)
            for verdict in verdicts
        ]

    async def _once(
        self, parcel: Parcel, errands: Sequence[Errand], survey: Survey, octets: Octets
    ) -> tuple[tuple[Verdict, ...], str]:
        """The verdicts, and what happened to the connection where one is missing."""
        dialogue = self._dialogue
        engine = dialogue.engine
        self._transactions += 1
        envelope, offered = parcel.envelope, engine.offered
        left_s = self._left_s(parcel)
        recipients = [one.recipient for one in errands]
        mail = fit.render_mail(envelope, recipients, survey, offered, verified=dialogue.is_verified, left_s=left_s)
        rcpts = [fit.render_rcpt(one, offered, envelope.deliver_by) for one in recipients]
        is_first = not any(one.attempts for one in errands)
        engine.begin(mail, rcpts, survey.size, lacks_end=survey.lacks_end, may_go_ahead=is_first)
        try:
            told = await dialogue.next()
            if not isinstance(told, Settled):
                await self._send_content(octets, survey.size)
                told = await dialogue.next()
            assert isinstance(told, Settled)
            return told.verdicts, ""
        except Lost as lost:
            engine.is_over = True
            return engine.verdicts(), str(lost)

    async def _send_content(self, octets: Octets, size: int) -> None:
        """Until all is sent, or the host says that it wants no more."""
        dialogue = self._dialogue
        sent = 0
        try:
            async for piece in self._pieces(octets):
                dialogue.look()  # what was said by now is no answer to what follows
                if not dialogue.engine.wants_content:
                    return
                sent += len(piece)
                dialogue.engine.content(piece, last=sent == size)
                if sent < size:
                    await dialogue.flush()
            if sent != size:
                raise MissingOctets
        except BaseException:
            # Only the end of the connection tells the host that this is not the whole message.
            dialogue.stream.abort()
            dialogue.engine.is_over = True
            raise

    async def _pieces(self, octets: Octets) -> AsyncIterator[bytes]:
        if not octets.place:
            yield octets.whole()
            return
        yield octets.prefix + octets.head
        start, end = 0, octets.size - len(octets.prefix) - len(octets.head)
        while start < end:
            piece = await self._blobs.read(octets.place, start, min(end, start + limit.RELAY_CHUNK_OCTETS))
            if not piece:
                raise MissingOctets
            start += len(piece)
            yield piece

    # -- outcomes --------------------------------------------------------------------------------------------------

    def _left_s(self, parcel: Parcel) -> int:
        """RFC 2852 §4.1.4: never more than there was, though the clock may have gone back."""
        by = parcel.envelope.deliver_by
        return 0 if by is None else by.seconds - max(int(self._clock.now()) - parcel.created, 0)

    def _fault(self, parcel: Parcel, survey: Survey) -> Unfit | None:
        return fit.fault_of(
            parcel.envelope,
            survey,
            self._dialogue.engine.offered,
            verified=self._dialogue.is_verified,
            left_s=self._left_s(parcel),
        )

    def _unfit(self, fault: Unfit) -> Outcome:
        return Outcome(Kind.FAILED, 0, fault.enhanced, fault.text, self.host.name, self.address, self.tls)

    def _outcome(self, verdict: Verdict, words: str) -> Outcome:
        if verdict is None:
            return Outcome(Kind.DEFERRED, 0, "4.4.2", words, self.host.name, self.address, self.tls, blames_host=True)
        ask, heard = verdict
        kind = _kind(ask, heard)
        return Outcome(
            kind,
            heard.code,
            heard.enhanced,
            heard.text,
            self.host.name,
            self.address,
            self.tls,
            has_dsn=kind is Kind.RELAYED and self._dialogue.engine.offered.dsn,
            has_deliver_by=kind is Kind.RELAYED and self._dialogue.engine.offered.deliver_by_s is not None,
            blames_host=heard.code == 421 or (ask is not Ask.RCPT and heard.enhanced in _OF_THE_HOST),
        )


def _is_the_hosts(outcome: Outcome) -> bool:
    return outcome.kind is Kind.DEFERRED and outcome.blames_host


def _kind(ask: Ask, heard: Heard) -> Kind:
    if heard.is_positive and ask is Ask.END:
        return Kind.RELAYED
    if heard.is_permanent and not (ask is Ask.RCPT and heard.code == 552 and heard.enhanced in _TOO_MANY[552]):
        return Kind.FAILED
    return Kind.DEFERRED


def _is_too_many(verdict: Verdict) -> bool:
    if verdict is None or verdict[0] is not Ask.RCPT:
        return False
    return verdict[1].enhanced in _TOO_MANY.get(verdict[1].code, ())
