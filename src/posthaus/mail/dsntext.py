"""A delivery status notification in words, for the person who sent the message.

First what happened and to which recipient, then why, then what the other server said to the letter, then what can be
done. All sentences are whole; nothing has to be known of mail to understand them.

Standards: RFC 3464 §2 (the first part), RFC 5321 §3.6.3.
Faults:    none.
"""

import textwrap
from collections.abc import Iterator
from typing import Final

from posthaus.base import limit
from posthaus.mail.compose import visible
from posthaus.mail.date import render_date
from posthaus.mail.fate import Action, Dsn, Fate, Original
from posthaus.mail.status import words_of

_COLUMNS: Final = 72
_SUBJECTS: Final = {
    Action.FAILED: ("Not delivered", "Your message could not be delivered"),
    Action.DELAYED: ("Not delivered yet", "Your message is delayed"),
    Action.DELIVERED: ("Delivered", "Your message was delivered"),
    Action.RELAYED: ("Passed on", "Your message was passed on"),
    Action.EXPANDED: ("Delivered", "Your message was delivered"),
}
_OPENINGS: Final = {
    Action.FAILED: "Your message could not be delivered to {}. It is not tried any more.",
    Action.DELAYED: "Your message could not be delivered to {} so far. You need not do anything: it is tried again{}.",
    Action.DELIVERED: "Your message was delivered to {}.",
    Action.RELAYED: "Your message was passed on for {}. The server there does not tell what becomes of it, so this is"
    " the last that you hear from us.",
    Action.EXPANDED: "Your message was delivered to the members of the group {}.",
}


def subject(dsn: Dsn, original: Original) -> str:
    """The worst that is told decides."""
    short, alone = _SUBJECTS[_told(dsn)[0]]
    text = visible(original.subject)[: limit.DSN_SUBJECT_CHARACTERS]
    return f"{short}: {text}" if text else alone


def render(dsn: Dsn, original: Original) -> str:
    blocks = [f"This is the post office at {visible(dsn.reporting)}."]
    for action in _told(dsn):
        fates = [fate for fate in dsn.fates if fate.action is action]
        blocks.append(_wrap(_opening(action, fates)))
        if action in (Action.FAILED, Action.DELAYED):
            blocks += [block for fate in fates for block in _why(fate, alone=len(fates) == 1)]
        elif len(fates) > 1:
            blocks.append("\n".join(f"    {_who(fate)}" for fate in fates))
    blocks.append("\n".join(_about(dsn, original)))
    kept = "Your message is attached whole." if original.is_whole else "The header of your message is attached."
    asked = f" If you ask for help, tell this number: {original.tid}" if original.tid else ""
    blocks.append(_wrap(kept + asked))
    return "\n\n".join(blocks) + "\n"


def _told(dsn: Dsn) -> list[Action]:
    """What the recipients met with, the worst first."""
    return [action for action in Action if any(fate.action is action for fate in dsn.fates)]


def _opening(action: Action, fates: list[Fate]) -> str:
    whom = _who(fates[0]) if len(fates) == 1 else f"these {len(fates)} recipients"
    if action is Action.EXPANDED and len(fates) > 1:
        whom = "addresses below"
    if action is not Action.DELAYED:
        return _OPENINGS[action].format(whom)
    until = max([fate.retry_until for fate in fates if fate.retry_until is not None], default=None)
    return _OPENINGS[action].format(whom, f" until {render_date(until).decode()}" if until is not None else "")


def _who(fate: Fate) -> str:
    """The address; and the one that the sender wrote to, where it is another."""
    address, written = visible(fate.address), visible(fate.original.partition(";")[2])
    return f"{address} (you wrote to {written})" if written and written.lower() != address.lower() else address


def _why(fate: Fate, *, alone: bool) -> Iterator[str]:
    words = words_of(fate.status, fate.code)
    if not alone:
        yield _who(fate)
    if fate.said:
        server = f"The server {visible(fate.remote)}" if fate.remote else "The other server"
        said = "\n".join(f"        {visible(line)}" for line in fate.said.split("\n"))
        yield _wrap(f"{words.what} {server} said:", "    ") + f"\n\n{said}"
    elif fate.reason:
        yield _wrap(f"{words.what} The reason: {visible(fate.reason)}.", "    ")
    else:
        yield _wrap(words.what, "    ")
    if fate.action is Action.FAILED:
        late = "It was tried again and again until the time for that was over. " if fate.status[:1] == "4" else ""
        if late or words.do:
            yield _wrap(late + words.do, "    ")


def _about(dsn: Dsn, original: Original) -> Iterator[str]:
    yield "Your message:"
    text = visible(original.subject)[: limit.DSN_SUBJECT_CHARACTERS]
    yield f"    Subject: {text}" if text else "    (without a subject)"
    if dsn.arrival is not None:
        yield f"    It came to us: {render_date(dsn.arrival).decode()}"


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, _COLUMNS, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
