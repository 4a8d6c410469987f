"""`posthaus annotation`: what mail programs read of the server, for all accounts (IMAP METADATA).

Standards: RFC 5464 §3, §6.2; RFC 5466 §3.2.
Faults:    Refusal with one line for people.
"""

from argparse import Namespace

from posthaus.base import limit
from posthaus.base.error import Refusal
from posthaus.cli.opening import print_rows, with_store
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.parse_metadata import parse_entry
from posthaus.serve.imap import stored
from posthaus.store import annotation
from posthaus.store.annotation import SHARED
from posthaus.store.store import Store


class BadAnnotation(Refusal):
    pass


def listing(options: Namespace) -> int:
    async def act(store: Store) -> list[tuple[str, bytes]]:
        return await store.read(annotation.shared)

    rows = [(entry, value.decode("utf-8", "replace")) for entry, value in with_store(options, act)]
    print_rows(("entry", "value"), rows, as_json=options.json)
    return 0


def put(options: Namespace) -> int:
    entry, value = _entry(options.entry), options.value.encode("utf-8", "surrogateescape")
    if len(value) > limit.ANNOTATION_OCTETS:
        raise BadAnnotation(f"a value has {limit.ANNOTATION_OCTETS} octets at most")
    if not stored.is_fit(entry, value):
        raise BadAnnotation("not a search as IMAP has it")
    return _put(options, entry, value)


def remove(options: Namespace) -> int:
    return _put(options, _entry(options.entry), None)


def _put(options: Namespace, entry: str, value: bytes | None) -> int:
    async def act(store: Store) -> None:
        await store.write(annotation.put_shared, entry, value)

    with_store(options, act)
    return 0


def _entry(text: str) -> str:
    try:
        entry = parse_entry(text.encode("utf-8", "surrogateescape")).lower()
    except ParseFault as e:
        raise BadAnnotation(e.text) from e
    if not entry.startswith(SHARED + "/"):
        raise BadAnnotation("what all accounts see begins with /shared/")
    return entry
