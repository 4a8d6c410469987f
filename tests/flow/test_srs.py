"""Forwarded reverse-paths: a secret made when it is needed, replaced in time, and still good for what it wrote."""

import pytest

from posthaus.base import limit
from posthaus.flow import srs
from posthaus.mail.address import Address
from posthaus.mail.srs import SrsFault
from posthaus.store import secret
from posthaus.testing import kit

ANNA = Address("anna", "far.test")
DAY = 86_400


async def test_there_and_back_through_a_change_of_the_secret() -> None:
    async with kit.server() as office:
        site, store = office.app.site, office.app.store
        first = await srs.rewritten(site, ANNA, kit.DOMAIN)
        assert first is not None and first.domain == kit.DOMAIN
        assert await srs.rewritten(site, ANNA, kit.DOMAIN) == first
        assert len(await store.read(secret.known, secret.SRS, 0)) == 1
        assert await store.read(srs.way_back, first.localpart, site.clock.now()) == ANNA

        office.clock.jump(limit.SRS_SECRET_S - DAY)
        late = await srs.rewritten(site, ANNA, kit.DOMAIN)
        office.clock.jump(2 * DAY)
        new = await srs.rewritten(site, ANNA, kit.DOMAIN)
        assert late is not None and new is not None
        assert len(await store.read(secret.known, secret.SRS, 0)) == 2
        for path in (late, new):
            assert await store.read(srs.way_back, path.localpart, site.clock.now()) == ANNA
        with pytest.raises(SrsFault):
            await store.read(srs.way_back, first.localpart, site.clock.now())

        # The last day of an address is no later than the last day of its secret.
        office.clock.jump((limit.SRS_DAYS - 2) * DAY)
        assert await store.read(srs.way_back, late.localpart, site.clock.now()) == ANNA


async def test_what_is_left_alone() -> None:
    async with kit.server() as office:
        site = office.app.site
        assert await srs.rewritten(site, None, kit.DOMAIN) is None
        for path in (Address("bob", kit.DOMAIN), Address("a" * 250, "far.test")):
            assert await srs.rewritten(site, path, kit.DOMAIN) == path
