"""Reverse-paths of mail that an alias leads out: rewritten on the way, and the way back for bounces.

    path = await srs.rewritten(site, envelope.reverse_path, alias.domain)      # of the parcel that goes out
    author = await srs.way_back(tx, address.localpart, now)                    # RCPT to an address of ours: is_srs()

The secret is a row that is made when it is first needed and replaced after three months; the one before counts as long
as an address written with it does.

Standards: none; see mail/srs.py. RFC 5321 §3.9.1 not: the reverse-path changes, because SPF (RFC 7208 §D.3) wants it.
Faults:    SrsFault from way_back(); those of the store.
"""

from posthaus.base import limit
from posthaus.flow.site import Site
from posthaus.mail import srs
from posthaus.mail.address import Address
from posthaus.mail.srs import SrsFault
from posthaus.store import directory, secret
from posthaus.store.tx import Tx

_SECRET_OCTETS = 32
_DAY_S = 86_400


async def rewritten(site: Site, path: Address | None, domain: str) -> Address | None:
    """As `domain`, which is ours, may send it. The null reverse-path and paths in our own domains stay as they are."""
    if path is None or await site.store.read(directory.domain_exists, path.domain):
        return path
    now = site.clock.now()
    try:
        return srs.rewrite(path, domain, await _key(site, int(now)), now)
    except SrsFault:
        return path  # too long to be rewritten: better with a reverse-path that SPF may doubt than not at all


async def way_back(tx: Tx, localpart: str, now: float) -> Address:
    """Whom a bounce to this address of ours is for; SrsFault where we did not write it, or long ago."""
    found = await secret.known(tx, secret.SRS, _oldest(int(now)))
    return srs.restore(localpart, [value for _, value in found], now)


async def _key(site: Site, now: int) -> bytes:
    found = await site.store.read(secret.known, secret.SRS, _oldest(now))
    if not found or found[0][0] < now - limit.SRS_SECRET_S:
        value = site.chance.octets(_SECRET_OCTETS)
        await site.store.write(secret.put, secret.SRS, value, now, _oldest(now))
        found = await site.store.read(secret.known, secret.SRS, _oldest(now))  # another worker may have been quicker
    return found[0][1]


def _oldest(now: int) -> int:
    return now - limit.SRS_SECRET_S - (limit.SRS_DAYS + 1) * _DAY_S
