"""Tag lists: `v=1; a=rsa-sha256; ...`, of signatures and of key records.

Standards: RFC 6376 §3.2, RFC 8616 §3 (values may be UTF-8).
Faults:    TagFault.
"""

import base64
import binascii
import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WHITE = re.compile(r"[ \t\r\n]+")
_UNFIT = re.compile(r"[^\x20-\x7e\t\r\n\u0080-\U0010ffff]")
_NUMBER = re.compile(r"[0-9]{1,76}")  # RFC 6376 §3.5: l= has up to 76 digits


class TagFault(ValueError):
    """Not a tag list, or a tag has not the value that it must have."""


def parse_tags(octets: bytes) -> dict[str, str]:
    """tag-list = tag-spec *( ";" tag-spec ) [ ";" ]"""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise TagFault("not UTF-8") from None
    tags: dict[str, str] = {}
    specs = text.split(";")
    if not specs[-1].strip(" \t\r\n"):
        specs.pop()
    for spec in specs:
        name, equals, value = (part.strip(" \t\r\n") for part in spec.partition("="))
        if not equals or _NAME.fullmatch(name) is None or _UNFIT.search(value) is not None:
            raise TagFault("not a tag list")
        if name in tags:
            raise TagFault(f"{name}= twice")  # RFC 6376 §3.2: then the whole list is invalid
        tags[name] = value
    return tags


def base64_of(tags: dict[str, str], name: str) -> bytes:
    """A value in base64, with folding white space anywhere in it."""
    try:
        return base64.b64decode(_WHITE.sub("", tags[name]), validate=True)
    except (KeyError, ValueError, binascii.Error):
        raise TagFault(f"no base64 in {name}=") from None


def number_of(tags: dict[str, str], name: str) -> int | None:
    """A value of decimal digits; None without the tag."""
    value = tags.get(name)
    if value is None:
        return None
    if _NUMBER.fullmatch(value) is None:
        raise TagFault(f"no number in {name}=")
    return int(value)


def list_of(value: str) -> tuple[str, ...]:
    """Parts divided by colons, with white space around them."""
    return tuple(part.strip(" \t\r\n").lower() for part in value.split(":"))
