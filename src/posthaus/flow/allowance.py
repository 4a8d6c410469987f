"""How much an account may still send to other domains, or a client in a trusted network, and what happens then.

    an hour's recipients      refused for now (450): it passes by itself
    a day's recipients        the account is held (550), until an admin releases it
    a day's strangers         the same: who has stolen a password writes to people whom its owner never wrote to

Held: it submits nothing, its errands in the queue stay there, and postmaster finds a message. Counted is what was
committed, by all workers; what this transaction adds is judged at RCPT, and once more in its commit. For a client
without log-in the settings say how much it is; it knows no strangers.

Standards: none.
Faults:    those of the store.
"""

from dataclasses import dataclass

from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply
from posthaus.store import network, sending
from posthaus.store.sending import Sending, Used
from posthaus.store.tx import Tx


@dataclass(slots=True)
class Allowance:
    """Of one transaction: limits, what was used before, and what it adds."""

    limits: Sending
    used: Used
    recipients: int = 0
    strangers: int = 0
    is_held: bool = False

    def judge(self, recipients: int, strangers: int) -> Reply | None:
        """None: so many more may be added, and are."""
        limits, used = self.limits, self.used
        recipients, strangers = self.recipients + recipients, self.strangers + strangers
        if used.day + recipients > limits.per_day or used.strangers + strangers > limits.strangers:
            self.is_held = True
        if self.is_held:
            return reply.SENDING_HELD
        if used.hour + recipients > limits.per_hour:
            return reply.SENDING_LIMIT
        self.recipients, self.strangers = recipients, strangers
        return None


async def look(tx: Tx, account: int, now: int) -> Allowance:
    return Allowance(await sending.get(tx, account), await sending.used(tx, account, now))


async def look_client(tx: Tx, client: str, per_hour: int, per_day: int, now: int) -> Allowance:
    return Allowance(Sending(per_hour, per_day), await network.used(tx, client, now))


async def count_strangers(tx: Tx, account: int, addresses: tuple[str, ...]) -> int:
    return sum([await sending.is_stranger(tx, account, one) for one in addresses])
