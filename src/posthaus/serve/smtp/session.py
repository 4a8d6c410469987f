"""One SMTP session: carries octets between stream and engine, and events between engine and policy.

The same for every port; what a port wants is its policy. Answers to a batch of pipelined commands leave in one write.
Nothing in here decides, and no reply text is written here. Whatever goes wrong inside is logged with its stack and told
to the peer as 421; a message is answered only after it is kept.

Standards: RFC 5321 §3 and §4.5.3.2, RFC 2920 §3.2, RFC 3207 §4, RFC 4954 §4.
Faults:    none; run() ends and leaves closing the stream to the listener.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from posthaus.base import limit
from posthaus.base.error import Refusal, Trouble
from posthaus.flow.identity import BadCredentials, Exchange, Identity
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool
from posthaus.flow.transaction import Client, Transaction, make_tid
from posthaus.net.stream import Stream, Wake
from posthaus.proto.line import NEED_DATA
from posthaus.proto.smtp import event, reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.reply import Reply
from posthaus.proto.smtp.server import Server
from posthaus.serve.smtp.error import auth_reply_of, reply_of
from posthaus.serve.smtp.policy import Policy


@dataclass(frozen=True, slots=True)
class SmtpService:
    """A port as a listener runs it. `start_tls` is None where there is no certificate."""

    site: Site
    policy: Policy
    start_tls: Callable[[Stream], Awaitable[None]] | None = None
    lmtp: bool = False

    async def run(self, stream: Stream) -> None:
        await Session(stream, self).run()


class Session:
    """One connection; run() is all of its life."""

    def __init__(self, stream: Stream, service: SmtpService) -> None:
        self._stream = stream
        self._service = service
        self._policy = service.policy
        self._site = service.site
        self._client = Client(stream.peer, stream.cid, lmtp=service.lmtp, tls=stream.tls)
        self._engine = Server(service.site.hostname, lmtp=service.lmtp, tls=stream.tls is not None)
        self._transaction: Transaction | None = None
        self._trouble: Trouble | None = None  # the spool failed: the rest of this message is swallowed
        self._exchange: Exchange | None = None
        self._wrong_logins = 0
        self._data_began = 0.0  # when we first waited for the message; 0.0 while there is none
        self._due = 0.0  # when the next command must have come; 0.0 while none is waited for
        self._over = False
        self._why = "quit"
        self._log = service.site.log.bind(cid=stream.cid)

    async def run(self) -> None:
        self._log.event("smtp.connected", service=self._policy.service, peer=self._client.peer.address)
        try:
            await self._talk()
        except ConnectionError as fault:
            self._why = type(fault).__name__
        except Exception as defect:
            self._why = "defect"
            self._log.defect("smtp.defect", defect)
            self._site.metric.count("smtp.defect")
            self._engine.close(reply.NOT_AVAILABLE)
            self._stream.write(self._engine.outgoing())
        finally:
            self._drop()
            for quirk in self._engine.quirks:
                self._site.metric.count(f"smtp.quirk.{quirk.value}")
            self._log.event("smtp.closed", why=self._why, errors=self._engine.errors)

    async def _talk(self) -> None:
        self._engine.greet(await self._policy.connect(self._client))
        engine, answers = self._engine, _ANSWERS
        while not self._over:
            found = engine.next_event()
            if found is NEED_DATA:
                self._stream.write(engine.outgoing())
                await self._wake()
            else:
                self._due = 0.0
                await answers[type(found)](self, found)
                if self._stream.has_had_its_turn():
                    await asyncio.sleep(0)
        self._stream.write(engine.outgoing())

    async def _wake(self) -> None:
        """The one place to wait."""
        stream, engine = self._stream, self._engine
        if stream.draining and self._transaction is None:
            engine.close(reply.SHUTTING_DOWN)
            return
        await stream.drain(limit.WRITE_STALLED_TIMEOUT_S)
        now = self._site.clock.monotonic()
        spool = self._transaction.spool if self._transaction is not None else None
        if spool is not None:
            self._data_began = self._data_began or now
            last = self._data_began + limit.SMTP_DATA_GRACE_S + spool.size / limit.SMTP_DATA_OCTETS_PER_S
            wake = await stream.wait(min(limit.SMTP_DATA_TIMEOUT_S, last - now))
        else:
            self._due = self._due or now + limit.SMTP_IDLE_TIMEOUT_S  # for a whole command, not for each octet of it
            wake = await stream.wait(self._due - now)
        if wake is Wake.OCTETS:
            engine.receive(stream.take())
        elif wake is Wake.END:
            engine.receive(b"")
        elif wake is Wake.DEADLINE:
            engine.close(reply.TIMEOUT)

    def _make_offer(self) -> None:
        has_auth = self._policy.offers_auth and self._client.identity is None
        base = Offer(
            size_octets=self._site.message_octets,
            starttls=self._service.start_tls is not None and self._stream.tls is None,
            mechanisms=self._site.login.offered(self._stream) if has_auth else (),
        )
        self._engine.offer = self._policy.offer(self._client, base)

    def _drop(self) -> None:
        transaction, self._transaction, self._trouble = self._transaction, None, None
        self._data_began = 0.0
        if transaction is not None:
            transaction.close()

    async def _asked(self, question: Awaitable[Reply]) -> Reply:
        """A policy's answer; what it cannot do becomes a reply too."""
        try:
            return await question
        except (Refusal, Trouble) as fault:
            self._log.warn("smtp.cannot", fault=type(fault).__name__, why=fault)
            return reply_of(fault)

    # -- one function for each event --

    async def _ehlo(self, asked: event.Ehlo) -> None:
        self._client.name, self._client.esmtp = asked.name, asked.verb != "HELO"
        self._make_offer()  # what it says of time is of now
        answer = await self._asked(self._policy.ehlo(self._client))
        if answer.is_positive:
            self._drop()
        self._engine.send(answer)

    async def _mail(self, asked: event.Mail) -> None:
        site = self._site
        now = site.clock.now()
        transaction = Transaction(make_tid(site.chance, now), self._client, asked.envelope, now)
        answer = await self._asked(self._policy.mail(transaction))
        if answer.is_positive:
            self._transaction = transaction
        self._engine.send(answer)

    async def _rcpt(self, asked: event.Rcpt) -> None:
        transaction = self._open()
        answer = await self._asked(self._policy.rcpt(transaction, asked.recipient))
        if answer.is_positive:
            transaction.recipients.append(asked.recipient)
        self._engine.send(answer)

    async def _data_start(self, asked: event.DataStart) -> None:
        self._spool()
        self._engine.send(reply.START_DATA)

    async def _data_chunk(self, asked: event.DataChunk) -> None:
        if self._trouble is not None:
            return
        spool = self._spool()
        if spool.add(asked.octets):
            try:
                await spool.flush()
            except Trouble as trouble:
                self._log.warn("smtp.spool", fault=type(trouble).__name__, why=trouble)
                self._trouble = trouble
                spool.close()

    async def _chunk_end(self, asked: event.ChunkEnd) -> None:
        if self._trouble is None:
            self._engine.send(reply.CHUNK_OK)
            return
        self._engine.send(reply_of(self._trouble))
        self._drop()

    async def _data_end(self, asked: event.DataEnd) -> None:
        transaction = self._open()
        if asked.refused is not None:
            self._tell(transaction, asked, asked.refused)
            self._drop()
            return
        self._spool()
        if self._trouble is None:
            answer = await self._asked(self._policy.accept(transaction))
        else:
            answer = reply_of(self._trouble)
        if self._service.lmtp:
            self._engine.send_each([answer] * len(transaction.recipients))
        else:
            self._engine.send(answer)
        if not self._engine.buffered:  # the client waits: it has its answer before the log has its line
            self._stream.write(self._engine.outgoing())
        self._tell(transaction, asked, answer)
        self._drop()

    async def _rset(self, asked: event.Rset) -> None:
        self._drop()
        self._engine.send(reply.OK)

    async def _noop(self, asked: event.Noop) -> None:
        self._engine.send(reply.OK)

    async def _help(self, asked: event.Help) -> None:
        self._engine.send(reply.HELP)

    async def _vrfy(self, asked: event.Vrfy) -> None:
        # RFC 5321 §7.3: who has a mailbox here is told at RCPT only, where it costs a transaction.
        self._engine.send(reply.CANNOT_VRFY)

    async def _expn(self, asked: event.Expn) -> None:
        self._engine.send(reply.NO_EXPN)

    async def _quit(self, asked: event.Quit) -> None:
        self._engine.send(reply.BYE)

    async def _faulted(self, told: event.Faulted) -> None:
        self._site.metric.count("smtp.fault")
        self._log.event("smtp.fault", verb=told.verb, code=told.answer.code, why=told.answer.text)

    async def _closing(self, told: event.Closing) -> None:
        self._why = told.why
        self._over = True

    async def _gone(self, told: event.Gone) -> None:
        self._why = "gone"
        self._over = True

    # -- STARTTLS and AUTH --

    async def _starttls(self, asked: event.StartTls) -> None:
        begin = self._service.start_tls
        if begin is None:
            self._engine.send(reply.TLS_NOT_AVAILABLE)
            return
        if self._engine.buffered:
            self._log.warn("smtp.starttls-injection", octets=self._engine.buffered)
        self._engine.send(reply.READY_FOR_TLS)
        self._stream.write(self._engine.outgoing())
        await begin(self._stream)
        self._engine.after_tls()
        self._drop()
        self._client = Client(self._stream.peer, self._stream.cid, lmtp=self._service.lmtp, tls=self._stream.tls)
        self._make_offer()

    async def _auth(self, asked: event.Auth) -> None:
        try:
            self._exchange = self._site.login.begin(asked.mechanism, self._stream, self._policy.service)
        except (Refusal, Trouble) as fault:
            self._engine.send(auth_reply_of(fault))
            return
        await self._step(self._exchange, asked.initial or b"")

    async def _auth_response(self, asked: event.AuthResponse) -> None:
        if self._exchange is None:
            raise RuntimeError("the engine gave a response outside of an exchange")
        await self._step(self._exchange, asked.octets)

    async def _auth_cancelled(self, told: event.AuthCancelled) -> None:
        self._exchange = None

    async def _step(self, exchange: Exchange, response: bytes) -> None:
        try:
            found = await exchange.step(response)
        except (Refusal, Trouble) as fault:
            self._exchange = None
            self._wrong_logins += isinstance(fault, BadCredentials)
            is_last = self._wrong_logins >= limit.LOGIN_ATTEMPTS_PER_SESSION
            self._engine.send(reply.TOO_MANY_GUESSES if is_last else auth_reply_of(fault))
            return
        if isinstance(found, Identity):
            self._exchange = None
            self._client.identity = found
            self._make_offer()
            self._engine.send(reply.AUTHENTICATED)
        else:
            self._engine.send(reply.challenge(found))

    # -- small steps --

    def _open(self) -> Transaction:
        if self._transaction is None:
            raise RuntimeError("the engine let a command through without a transaction")
        return self._transaction

    def _spool(self) -> Spool:
        transaction = self._open()
        if transaction.spool is None:
            transaction.spool = Spool(self._site.spool_folder)
        return transaction.spool

    def _tell(self, transaction: Transaction, asked: event.DataEnd, answer: Reply) -> None:
        """One line for each message, whatever became of it."""
        self._site.metric.count("smtp.accepted" if answer.is_positive else "smtp.refused")
        identity = transaction.client.identity
        self._log.event(
            "smtp.message",
            tid=transaction.tid,
            reverse_path=transaction.envelope.reverse_path or "<>",
            recipients=len(transaction.recipients),
            size=asked.size_octets,
            priority=transaction.envelope.priority or None,
            account=identity.account_id if identity is not None else None,
            code=answer.code,
            why=answer.text,
        )


_ANSWERS: dict[type, Callable[[Session, Any], Awaitable[None]]] = {
    event.Ehlo: Session._ehlo,
    event.Mail: Session._mail,
    event.Rcpt: Session._rcpt,
    event.DataStart: Session._data_start,
    event.DataChunk: Session._data_chunk,
    event.ChunkEnd: Session._chunk_end,
    event.DataEnd: Session._data_end,
    event.Rset: Session._rset,
    event.Noop: Session._noop,
    event.Help: Session._help,
    event.Vrfy: Session._vrfy,
    event.Expn: Session._expn,
    event.Quit: Session._quit,
    event.StartTls: Session._starttls,
    event.Auth: Session._auth,
    event.AuthResponse: Session._auth_response,
    event.AuthCancelled: Session._auth_cancelled,
    event.Faulted: Session._faulted,
    event.Closing: Session._closing,
    event.Gone: Session._gone,
}
