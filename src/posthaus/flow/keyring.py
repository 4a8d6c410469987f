"""The keys that sign for a domain, read once by each worker.

Which keys are active is asked of the store each time, because rows are the truth: a rotation counts at once, in every
worker. What a key is never changes, so it is remembered by its id.

Standards: none.
Faults:    those of the store; NoSuchKey where a key was removed in this very moment.
"""

from collections import OrderedDict

from posthaus.base import limit
from posthaus.check.signingkey import ALGORITHMS, SigningKey, read_signing_key
from posthaus.store import dkimkey
from posthaus.store.store import Store


class Keyring:
    """One per worker."""

    def __init__(self, entries: int = limit.DKIM_KEYS_READ) -> None:
        self._entries = entries
        self._read: OrderedDict[int, SigningKey] = OrderedDict()

    async def active(self, store: Store, domain: str) -> list[SigningKey]:
        """One for each algorithm, RSA first; of several the latest."""
        rows = await store.read(dkimkey.active, domain)
        latest = {algorithm: (id_, selector) for id_, selector, algorithm in sorted(rows)}
        return [await self._key(store, domain, *latest[one]) for one in ALGORITHMS if one in latest]

    async def _key(self, store: Store, domain: str, id_: int, selector: str) -> SigningKey:
        known = self._read.get(id_)
        if known is None:
            known = read_signing_key(domain, selector, await store.read(dkimkey.private, id_))
            self._read[id_] = known
            if len(self._read) > self._entries:
                self._read.popitem(last=False)
        else:
            self._read.move_to_end(id_)
        return known
