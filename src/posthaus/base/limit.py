"""Every limit of the system: value, unit, source. A limit that nobody should change is a constant here, not a setting.

An engine takes its limits as parameters that default to these, so a test can hand in small ones.
"""

# -- connections ---------------------------------------------------------------------------------------------------
CONNECTIONS_PER_ADDRESS = 1_000  # an office behind one address has many phones; a flood has more
CONNECTIONS_PER_WORKER = 20_000  # file descriptors; 10,000 idle IMAP clients are the normal case
TLS_HANDSHAKE_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 5.0  # flush and close_notify before the socket is cut
WRITE_STALLED_TIMEOUT_S = 300.0  # a client that reads nothing for so long is gone
OUTGOING_HIGH_OCTETS = 256 * 1024  # back-pressure: wait once this much stands in the transport's buffer

# -- SMTP ----------------------------------------------------------------------------------------------------------
SMTP_COMMAND_OCTETS = 4_096  # RFC 5321 §4.5.3.1.4 wants 512; extensions add (RFC 3461 §4: 500 + 1,024 ...), AUTH 12,288 apart
SMTP_AUTH_LINE_OCTETS = 12_288  # RFC 4954 §4
SMTP_TEXT_LINE_OCTETS = 1_000_000  # RFC 5321 §4.5.3.1.6 wants 1,000; real mail exceeds that and folding would break DKIM
SMTP_RECIPIENTS = 1_000  # RFC 5321 §4.5.3.1.8 wants at least 100
SMTP_MESSAGE_OCTETS = 50 * 1024 * 1024
SMTP_IDLE_TIMEOUT_S = 300.0  # RFC 5321 §4.5.3.2.7
SMTP_DATA_TIMEOUT_S = 180.0  # RFC 5321 §4.5.3.2.5, between two pieces of data
SMTP_SESSION_ERRORS = 20  # faults of the peer before 421
SMTP_COMMANDS_WITHOUT_PROGRESS = 100  # NOOP, RSET, VRFY ... between two accepted messages
SMTP_TRANSACTIONS = 1_000  # messages in one session before 421
SMTP_RECEIVED_FIELDS = 100  # RFC 5321 §6.3: a loop

# -- IMAP ----------------------------------------------------------------------------------------------------------
IMAP_LINE_OCTETS = 64 * 1024  # RFC 9051 §4 has no number; RFC 7162 §4 wants 8,192 at least
IMAP_COMMAND_OCTETS = 256 * 1024  # line and small literals of one command together
IMAP_LITERAL_OCTETS = 64 * 1024  # of a literal that is not a message
IMAP_LITERALS = 1_000  # in one command
IMAP_UNAUTHENTICATED_LINE_OCTETS = 16 * 1024
IMAP_NESTING = 50  # parentheses of SEARCH and LIST
IMAP_IDLE_TIMEOUT_S = 1_800.0  # RFC 9051 §5.4: at least 30 minutes once logged in
IMAP_LOGIN_TIMEOUT_S = 60.0
IMAP_BAD_COMMANDS = 20  # one after the other, before BYE

# -- POP3 ----------------------------------------------------------------------------------------------------------
POP3_LINE_OCTETS = 255  # RFC 2449 §4
POP3_IDLE_TIMEOUT_S = 600.0  # RFC 1939 §3: at least 10 minutes
POP3_LOGIN_TIMEOUT_S = 60.0
POP3_BAD_COMMANDS = 20

# -- log-in --------------------------------------------------------------------------------------------------------
PASSWORD_OCTETS = 1_024
LOGIN_ATTEMPTS_PER_SESSION = 5

# -- mail ----------------------------------------------------------------------------------------------------------
MIME_PARTS = 10_000  # what lies beyond is one opaque part
MIME_DEPTH = 100
HEADER_OCTETS = 1024 * 1024  # a larger header is not read beyond this for ENVELOPE and facts
HEADER_FIELDS = 10_000

# -- store ---------------------------------------------------------------------------------------------------------
MAILBOX_NAME_OCTETS = 1_000
MAILBOX_DEPTH = 50
MAILBOXES_PER_ACCOUNT = 10_000
KEYWORDS_PER_MAILBOX = 53  # of 63 bits, ten are taken by the flags that everybody has
KEYWORD_OCTETS = 100
INLINE_OCTETS = 128 * 1024  # octets up to here live in the database, larger ones outside
SPOOL_MEMORY_OCTETS = 256 * 1024  # a message larger than this is spooled to a file while it comes in
WRITE_BATCH = 200  # write functions in one commit
SPACE_RESERVE_OCTETS = 64 * 1024 * 1024  # below this, mail is deferred while EXPUNGE and the purge still work
