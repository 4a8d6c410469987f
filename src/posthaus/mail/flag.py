"""Flags and keywords: bits of one 64-bit integer per placement.

Bits 0 to 9 mean the same in every mailbox; 10 to 62 are the mailbox's own keywords.

Standards: RFC 9051 §2.3.2.
"""

SEEN = 1 << 0
ANSWERED = 1 << 1
FLAGGED = 1 << 2
DELETED = 1 << 3
DRAFT = 1 << 4
FORWARDED = 1 << 5
MDN_SENT = 1 << 6
JUNK = 1 << 7
NOT_JUNK = 1 << 8
PHISHING = 1 << 9
FIRST_KEYWORD_BIT = 10
