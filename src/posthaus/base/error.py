"""The two kinds of failure that are told to a peer; everything else is a defect.

Refusal: the peer must change something (5xx, NO, BAD, -ERR). Trouble: ours or the network's, and it may pass
(4xx, NO [UNAVAILABLE], -ERR [SYS/TEMP]). Any other exception is a defect: caught once at the top of the session,
logged with its stack, counted, and told to the peer as 421, BYE or -ERR without words of ours.
"""


class Refusal(Exception):
    """The peer must change something; repeating the same will fail again."""


class Trouble(Exception):
    """Not the peer's fault; the same may work later."""
