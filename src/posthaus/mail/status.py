"""Enhanced status codes in words for people: what happened, and what can be done.

The words know the code alone, so they promise no more than it says; what the other server wrote stands beside them.
Where there is no enhanced code, or none that anybody knows, the basic reply code or the class has to do.

Standards: RFC 3463 §3, RFC 5321 §4.2.3, RFC 7372, RFC 7505 §4, RFC 8689 §5; the IANA registry of enhanced status codes.
Faults:    none; any text has words.
"""

import re
from dataclasses import dataclass
from typing import Final

_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Words:
    what: str  # whole sentences, as all of these
    do: str = ""  # "" where there is nothing to be done


_TYPO: Final = "Check the address for a typing mistake, or ask the person for the right one in another way."
_WAIT: Final = "Send the message again later."
_ADMIN: Final = "If it goes on, show this message to the people who look after your mail."
_SMALLER: Final = "Send less at a time, or put large files where they can be fetched from."
_OTHER_SIDE: Final = "Only the people who look after mail there can change this. Tell the recipient in another way."

# subject.detail -> words
_DETAILS: Final[dict[str, Words]] = {
    "1.0": Words("There is something wrong with the address.", _TYPO),
    "1.1": Words("There is no mailbox of this name at that domain.", _TYPO),
    "1.2": Words("There is no such domain, or it takes no mail.", _TYPO),
    "1.3": Words("The address is not written as an address has to be.", _TYPO),
    "1.4": Words("The address fits more than one mailbox there.", _TYPO),
    "1.6": Words("The mailbox has moved, and where to is not known.", "Ask the person for the new address."),
    "1.7": Words("The server there does not accept the sender's address as it is written.", _ADMIN),
    "1.8": Words("The server there does not accept the sender's domain.", _ADMIN),
    "1.9": Words("The message was handed to a server that does not tell what becomes of it."),
    "1.10": Words("This domain says that it takes no mail at all.", _TYPO),
    "2.0": Words("There is something wrong with the mailbox.", _OTHER_SIDE),
    "2.1": Words("The mailbox is closed: it exists but takes no mail.", "Reach the person in another way."),
    "2.2": Words("The mailbox is full.", "Send the message again later, or tell the person in another way."),
    "2.3": Words("The message is larger than this mailbox takes.", _SMALLER),
    "2.4": Words("The mailing list could not be taken apart into its members.", _OTHER_SIDE),
    "3.0": Words("The mail system there has a fault.", _WAIT),
    "3.1": Words("The mail system there has no room left.", _WAIT),
    "3.2": Words("The mail system there takes no mail now.", _WAIT),
    "3.3": Words("The mail system there cannot do what this message asks for.", _ADMIN),
    "3.4": Words("The message is larger than the mail system there takes.", _SMALLER),
    "3.5": Words("The mail system there is not set up for this mail.", _OTHER_SIDE),
    "4.0": Words("The other server could not be reached.", _WAIT),
    "4.1": Words("The other server did not answer.", _WAIT),
    "4.2": Words("The connection to the other server was bad or broke.", _WAIT),
    "4.3": Words("The directory that knows the way could not be asked.", _WAIT),
    "4.4": Words("No way to the other server could be found.", _TYPO),
    "4.5": Words("The mail system there is overloaded.", _WAIT),
    "4.6": Words("The message went round in a circle between servers.", _OTHER_SIDE),
    "4.7": Words("The message could not be handed over in time.", _WAIT),
    "5.0": Words("The two servers did not understand each other.", _ADMIN),
    "5.1": Words("The two servers did not understand each other.", _ADMIN),
    "5.2": Words("The two servers did not understand each other.", _ADMIN),
    "5.3": Words("The message has too many recipients at once for the server there.", "Send it to fewer at a time."),
    "5.4": Words("The two servers did not understand each other.", _ADMIN),
    "5.5": Words("The two servers speak different versions of the protocol.", _ADMIN),
    "5.6": Words("The log-in at the other server failed.", _ADMIN),
    "6.0": Words("The server there does not take the content of the message.", _ADMIN),
    "6.1": Words("The server there does not take this kind of content.", _ADMIN),
    "6.2": Words("The content would have to be converted, and this is not allowed.", _ADMIN),
    "6.3": Words("The content would have to be converted, and this cannot be done.", _ADMIN),
    "6.4": Words("The content could only be converted with a loss."),
    "6.5": Words("The content could not be converted.", _ADMIN),
    "6.6": Words("The content of the message is not to be had.", _ADMIN),
    "6.7": Words(
        "The address has letters that the server there does not understand.",
        "Ask the person for an address of plain letters.",
    ),
    "6.8": Words("A reply there would need letters that this way does not carry.", _ADMIN),
    "6.9": Words("The header has letters that the server there does not understand.", _ADMIN),
    "7.0": Words("The server there refuses the message by its rules.", _ADMIN),
    "7.1": Words("The server there refuses this message, or mail from this sender, by its rules.", _ADMIN),
    "7.2": Words("The sender may not write to this mailing list.", "Ask those who look after the list."),
    "7.3": Words("The message would have to be converted in a way that is not secure.", _ADMIN),
    "7.4": Words("The server there cannot give the security that this message asks for.", _ADMIN),
    "7.5": Words("Something went wrong with encryption.", _ADMIN),
    "7.6": Words("The server there cannot encrypt as this message asks for.", _ADMIN),
    "7.7": Words("The message was changed on its way.", _ADMIN),
    "7.8": Words("The log-in at the other server failed.", _ADMIN),
    "7.9": Words("The log-in at the other server failed.", _ADMIN),
    "7.10": Words("The server asks for encryption.", _ADMIN),
    "7.11": Words("The server asks for encryption.", _ADMIN),
    "7.13": Words("The account is closed.", "Reach the person in another way."),
    "7.15": Words("The priority of the message is too low for now.", _WAIT),
    "7.16": Words("The message is too large for its priority.", _SMALLER),
    "7.17": Words("The mailbox belongs to somebody else now.", "Ask the person for the new address."),
    "7.18": Words("The domain belongs to somebody else now.", "Ask the person for the new address."),
    "7.20": Words("The message has no signature (DKIM) that the server there believes.", _ADMIN),
    "7.21": Words("The message has no signature (DKIM) that the server there accepts.", _ADMIN),
    "7.22": Words("The signature (DKIM) of the message is not the author's.", _ADMIN),
    "7.23": Words("The sender's domain does not allow mail from our server (SPF).", _ADMIN),
    "7.24": Words("The rules of the sender's domain (SPF) could not be checked.", _ADMIN),
    "7.25": Words("Our server has no name that leads back to its address.", _ADMIN),
    "7.26": Words("The message failed several checks of where it comes from.", _ADMIN),
    "7.27": Words("The sender's domain takes no mail, so mail from it is refused.", _ADMIN),
    "7.28": Words("The server there says that too much mail comes from here.", _WAIT),
    "7.29": Words("The signature of the way (ARC) is not valid.", _ADMIN),
    "7.30": Words("The message asks for encryption all the way, and the way to there has none.", _ADMIN),
}

_SUBJECTS: Final[dict[str, Words]] = {
    subject: _DETAILS[f"{subject}.0"] for subject in ("1", "2", "3", "4", "5", "6", "7")
}

# For servers that give no enhanced code: what most of them mean by the basic one.
_CODES: Final[dict[int, Words]] = {
    421: _DETAILS["3.2"],
    450: Words("The mailbox cannot be reached now.", _WAIT),
    451: _DETAILS["3.0"],
    452: _DETAILS["3.1"],
    521: _DETAILS["1.10"],
    530: _DETAILS["7.10"],
    535: _DETAILS["7.8"],
    550: Words("The server there does not take mail for this address.", _TYPO),
    551: _DETAILS["1.6"],
    552: _DETAILS["2.2"],
    553: _DETAILS["1.3"],
    554: _DETAILS["7.1"],
    555: _DETAILS["5.4"],
    556: _DETAILS["1.10"],
}

_CLASSES: Final[dict[str, Words]] = {
    "2": Words("All is well."),
    "4": Words("The server there cannot take the message now.", _WAIT),
    "5": Words("The server there does not take the message.", _ADMIN),
}


def words_of(status: str, code: int = 0) -> Words:
    """`status` is an enhanced code such as "5.1.1", `code` the basic one that came with it, 0 for none."""
    found = _STATUS.fullmatch(status)
    if found is None:
        return _CODES.get(code, _CLASSES["5"])
    kind, subject, detail = found[1], str(int(found[2])), str(int(found[3]))
    if kind == "2":
        return _CLASSES["2"]
    return _DETAILS.get(f"{subject}.{detail}") or _SUBJECTS.get(subject) or _CODES.get(code) or _CLASSES[kind]


def find_status(text: str) -> str:
    """The first enhanced code in a text, "" where there is none."""
    found = re.search(rf"(?<![\d.]){_STATUS.pattern}(?![\d.])", text, re.ASCII)
    return found[0] if found else ""
