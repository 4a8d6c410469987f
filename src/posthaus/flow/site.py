"""What a session is given of the house: one plain record, made by app.py and passed down."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.base.clock import Clock
from posthaus.base.dns import Resolver
from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.base.setting import SendSetting
from posthaus.flow.handover import Handover
from posthaus.flow.keyring import Keyring
from posthaus.flow.login import Login
from posthaus.flow.orders import Orders
from posthaus.store.blob import BlobStore
from posthaus.store.store import Store
from posthaus.store.textindex import NoIndex, TextIndex


@dataclass(frozen=True, slots=True)
class Site:
    """The collaborators of every session of one worker."""

    store: Store
    blobs: BlobStore
    login: Login
    clock: Clock
    chance: Chance
    log: Log
    metric: Metric
    hostname: str
    spool_folder: Path  # for messages too large to be held in memory while they come in
    worker: str  # names this worker and no other, now or later: the owner of its leases
    message_octets: int  # the largest message that is taken in, by any way
    message_limit: int = 0  # messages of one command of IMAP; 0: none
    save_limit: int = 0  # the same of COPY and APPEND alone
    share_with_anyone: bool = False  # may people give rights to all of the house?
    resolver: Resolver | None = None  # DNS; None where a test needs none
    send: SendSetting = field(default_factory=SendSetting)  # how long mail to others is tried
    keyring: Keyring = field(default_factory=Keyring)  # what signs our mail
    handover: Handover = field(default_factory=Handover)
    index: TextIndex = field(default_factory=NoIndex)
    orders: Orders = field(default_factory=Orders)
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(limit.LARGE_AT_ONCE))
    """Held while a message that is spooled to a file is in memory, too."""
