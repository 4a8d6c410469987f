"""Who sends more than he may is stopped: what he has in the queue is held, and postmaster is told.

In one commit, so that nobody is stopped without a word, and told once however many workers meet it.

Standards: none.
Faults:    those of the store.
"""

from posthaus.flow.identity import Identity
from posthaus.flow.notice import place_notice, write_notice
from posthaus.flow.route import Here
from posthaus.flow.site import Site
from posthaus.store import network, sending
from posthaus.store.message import Content
from posthaus.store.tx import Tx

_TEXT = """\
The account {address} wanted to send to more recipients in other domains than it may in a day, or to more of them to
whom it had never written before. Somebody may have got hold of its password.

It can send nothing now. What it has in the queue is held there.

If all is well, or once its password is another one:

    posthaus account send-limit {address} ...      (if it is to send so much)
    posthaus account release-sender {address}

See what is held:

    posthaus queue list
"""

_CLIENT_TEXT = """\
The client {client}, in one of the trusted networks of the settings, wanted to send to more recipients in other domains
than it may in a day. Somebody may have taken it over.

It can send nothing now. What it has in the queue is held there.

If all is well, or once it is clean again (networks_per_day in the settings says how much it may send):

    posthaus network release {client}

See what is held:

    posthaus queue list --client {client}
"""


async def stop(site: Site, here: Here, identity: Identity, tid: str) -> None:
    subject = f"{identity.address} can send nothing until you say so"
    content = await write_notice(site, here, subject, _TEXT.format(address=identity.address))
    if await site.store.write(_hold, content, here, identity.account_id, int(site.clock.now())):
        site.log.warn("send.stopped", account=identity.account_id, address=identity.address, tid=tid)


async def stop_client(site: Site, here: Here, client: str, tid: str) -> None:
    subject = f"{client} can send nothing until you say so"
    content = await write_notice(site, here, subject, _CLIENT_TEXT.format(client=client))
    if await site.store.write(_stop_client, content, here, client, int(site.clock.now())):
        site.log.warn("send.stopped", client=client, tid=tid)


async def _stop_client(tx: Tx, content: Content, here: Here, client: str, now: int) -> bool:
    if not await network.stop(tx, client, now):
        return False
    await place_notice(tx, content, here, now)
    return True


async def _hold(tx: Tx, content: Content, here: Here, account: int, now: int) -> bool:
    if not await sending.hold(tx, account, now):
        return False
    await place_notice(tx, content, here, now)
    return True
