"""TLS of one connection between octets in memory: ciphertext in, clear octets out, and back.

Octets go through OpenSSL's memory buffers in small pieces, because such a buffer never shrinks: an idle connection that
once moved a large message must not hold on to its size.

Standards: RFC 8446, RFC 5246, RFC 7301 §3.2 (no protocol in common is fatal), RFC 5929 §4, RFC 8460 §4.3.
Faults:    TlsFault (ConnectionError) from a handshake; ssl.SSLError from damaged records.
"""

import ssl

from posthaus.net.hello import NO_APPLICATION_PROTOCOL, Offer, parse_offer
from posthaus.net.peer import TlsState
from posthaus.net.tls import ServerContext, ServerSide

_DER = 2  # _ssl.ENCODING_DER
_PIECE_OCTETS = 16 * 1024  # the largest record (RFC 8446 §5.1)


class TlsFault(ConnectionError):
    """The handshake came to nothing; the words are for the log, `kind` is a result type of RFC 8460 §4.3."""

    def __init__(self, words: str, kind: str = "validation-failure") -> None:
        super().__init__(words)
        self.kind = kind


# Results of OpenSSL's verification (x509_vfy.h) that have a result type of their own.
_KINDS = {
    10: "certificate-expired",
    18: "certificate-not-trusted",  # self-signed
    19: "certificate-not-trusted",  # self-signed, in the chain
    20: "certificate-not-trusted",  # issuer unknown here
    21: "certificate-not-trusted",  # issuer unknown, and no chain was sent
    62: "certificate-host-mismatch",
}


class TlsLayer:
    """One side of a TLS connection: the server's, or with `client` the side of a client that asks for a name (SNI)."""

    __slots__ = ("_hello", "_incoming", "_object", "_outgoing")

    def __init__(self, context: ssl.SSLContext, *, client: bool = False, name: str | None = None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=not client, server_hostname=name if client else None
        )
        self._hello: bytes | None = None if client else b""  # of the client, until it is whole

    def handshake(self, octets: bytes) -> bool:
        """One step; true when it is done. outgoing() is due after each step, and after a TlsFault as well."""
        if self._hello is not None:
            octets = self._hello + octets
            if not self._is_hello_whole(octets):
                self._hello = octets
                return False
            self._hello = None
        self._incoming.write(octets)
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLCertVerificationError as fault:
            raise TlsFault(fault.verify_message, _KINDS.get(fault.verify_code, "validation-failure")) from None
        except ssl.SSLError as fault:
            raise TlsFault(fault.reason or "handshake failed") from None
        return True

    def _is_hello_whole(self, octets: bytes) -> bool:
        context = self._object.context
        wanted = context.protocols if isinstance(context, ServerContext) else ()
        offer = parse_offer(octets) if wanted else Offer.NONE
        if offer is Offer.UNFINISHED:
            return False
        if isinstance(offer, tuple) and not any(name.encode() in offer for name in wanted):
            raise TlsFault("NO_APPLICATION_PROTOCOL")
        return True

    def alert(self) -> bytes:
        """What to send after a TlsFault: the alert that OpenSSL made, or ours."""
        return self._outgoing.read() if self._hello is None else NO_APPLICATION_PROTOCOL

    def outgoing(self) -> bytes:
        return self._outgoing.read()

    def receive(self, octets: bytes) -> tuple[bytes, bool]:
        """Clear octets, and whether the peer has said close_notify."""
        clear: list[bytes] = []
        view = memoryview(octets)
        at = 0
        while True:
            self._incoming.write(view[at : at + _PIECE_OCTETS])
            if self._read(clear):
                return b"".join(clear), True
            at += _PIECE_OCTETS
            if at >= len(octets):
                return clear[0] if len(clear) == 1 else b"".join(clear), False

    def _read(self, clear: list[bytes]) -> bool:
        try:
            while piece := self._object.read(_PIECE_OCTETS):
                clear.append(piece)
                if not self._incoming.pending and not self._object.pending():
                    return False  # spares the exception, which costs more than the look
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLZeroReturnError:
            return True
        return True

    def seal(self, octets: bytes) -> bytes:
        """The octets as records."""
        if len(octets) <= _PIECE_OCTETS:
            self._object.write(octets)
            return self._outgoing.read()
        view = memoryview(octets)
        sealed = []
        for at in range(0, len(octets), _PIECE_OCTETS):
            self._object.write(view[at : at + _PIECE_OCTETS])
            sealed.append(self._outgoing.read())
        return b"".join(sealed)

    def close_notify(self) -> bytes:
        """RFC 8446 §6.1: says that nothing more will come, so that a cut can be told from an end."""
        try:
            self._object.unwrap()
        except ssl.SSLError:
            pass  # the peer's own close_notify is not waited for
        return self._outgoing.read()

    def state(self) -> TlsState:
        cipher = self._object.cipher()
        sni = self._object.sni if isinstance(self._object, ServerSide) else None
        return TlsState(
            self._object.version() or "", cipher[0] if cipher else "", sni, self._object.selected_alpn_protocol()
        )

    def peer_chain(self) -> list[bytes]:
        """The certificates (DER) that the peer has sent, its own first; nothing of them is verified by this."""
        public = getattr(self._object, "get_unverified_chain", None)  # from Python 3.13 on
        if public is not None:
            return list(public() or ())
        inner = self._object._sslobj  # type: ignore[attr-defined]
        return [one.public_bytes(_DER) for one in inner.get_unverified_chain() or ()]

    def end_point(self) -> bytes | None:
        """tls-server-end-point of the certificate that this client was shown."""
        context = self._object.context
        return context.end_point if isinstance(context, ServerContext) else None
