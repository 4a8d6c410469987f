"""Every limit of the system: value, unit, source. A limit that nobody should change is a constant here, not a setting.

An engine takes its limits as parameters that default to these, so a test can hand in small ones.
"""

# -- connections ---------------------------------------------------------------------------------------------------
CONNECTIONS_PER_ADDRESS = 1_000  # an office behind one address has many phones; a flood has more
CONNECTIONS_PER_WORKER = 20_000  # file descriptors; 10,000 idle IMAP clients are the normal case
TLS_HANDSHAKE_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 5.0  # flush and close_notify before the socket is cut
CLOSE_DISCARD_OCTETS = 16 * 1024 * 1024  # of a peer that still sends after our last word
TURN_S = 0.02  # of pipelined commands at a time, then the other sessions have theirs
WRITE_STALLED_TIMEOUT_S = 300.0  # a client that reads nothing for so long is gone
OUTGOING_HIGH_OCTETS = 256 * 1024  # back-pressure: wait once this much stands in the transport's buffer
INCOMING_HIGH_OCTETS = 1024 * 1024  # of one connection that its session has not taken: we stop reading
PROXY_HEADER_OCTETS = 4_096  # PROXY protocol with its TLVs; version 1 has 107
PROXY_HEADER_TIMEOUT_S = 10.0  # a load balancer sends it with its first octets
TLS_HELLO_OCTETS = 64 * 1024  # a ClientHello in several records; post-quantum shares take about 2 KB

# -- SMTP ----------------------------------------------------------------------------------------------------------
SMTP_COMMAND_OCTETS = (
    4_096  # RFC 5321 §4.5.3.1.4 wants 512; extensions add (RFC 3461 §4: 500 + 1,024 ...), AUTH 12,288 apart
)
SMTP_AUTH_LINE_OCTETS = 12_288  # RFC 4954 §4
SMTP_TEXT_LINE_OCTETS = (
    1_000_000  # RFC 5321 §4.5.3.1.6 wants 1,000; real mail exceeds that and folding would break DKIM
)
SMTP_RECIPIENTS = 1_000  # RFC 5321 §4.5.3.1.8 wants at least 100
SMTP_MESSAGE_OCTETS = 50 * 1024 * 1024
SMTP_IDLE_TIMEOUT_S = 300.0  # RFC 5321 §4.5.3.2.7
SMTP_DATA_TIMEOUT_S = 180.0  # RFC 5321 §4.5.3.2.5, between two pieces of data
SMTP_DATA_GRACE_S = 600.0  # for a whole message, and the time that its octets take at the rate below
SMTP_DATA_OCTETS_PER_S = 500  # who sends less on average holds a place for others; a bad mobile link has ten times that
SMTP_SESSION_ERRORS = 20  # faults of the peer before 421
SMTP_COMMANDS_WITHOUT_PROGRESS = 100  # NOOP, RSET, VRFY ... between two accepted messages
SMTP_TRANSACTIONS = 1_000  # messages in one session before 421
SMTP_RECEIVED_FIELDS = 100  # RFC 5321 §6.3: a loop
SMTP_LOCALPART_OCTETS = 256  # RFC 5321 §4.5.3.1.1 says 64; bounce addresses of mailing lists are longer
SMTP_DOMAIN_OCTETS = 255  # RFC 5321 §4.5.3.1.2
SMTP_REPLY_OCTETS = 512  # RFC 5321 §4.5.3.1.5, with code and CRLF
SMTP_HOLD_S = 366 * 86_400  # RFC 4865 §4 leaves it to us; a birthday is at most a year away
SMTP_HOLD_MESSAGES = 1_000  # of one account that wait for a time of their own (RFC 4865 §6)
SMTP_HOLD_OCTETS = 1024 * 1024 * 1024  # of them, together
SMTP_DELIVER_BY_S = 60  # RFC 2852 §4: one host that does not answer takes longer than less
SMTP_DISCARD_OCTETS = 100 * 1024 * 1024  # swallowed of refused messages in one session before it is cut

# -- relaying: SMTP as a client ------------------------------------------------------------------------------------
RELAY_CONNECT_TIMEOUT_S = 30.0  # RFC 5321 §4.5.3.2 has none; the system's own is minutes, and there are other hosts
RELAY_ADDRESSES = 8  # tried for one next hop, all hosts together; a domain may list a hundred dead ones
RELAY_GREETING_TIMEOUT_S = 300.0  # RFC 5321 §4.5.3.2.1; EHLO, STARTTLS and AUTH too, which have no number
RELAY_COMMAND_TIMEOUT_S = 300.0  # RFC 5321 §4.5.3.2.2 and §4.5.3.2.3: MAIL, RCPT
RELAY_DATA_TIMEOUT_S = 120.0  # RFC 5321 §4.5.3.2.4: from DATA to 354
RELAY_BLOCK_TIMEOUT_S = 180.0  # RFC 5321 §4.5.3.2.5: while a piece of the message is sent
RELAY_END_TIMEOUT_S = 600.0  # RFC 5321 §4.5.3.2.6: after the end of data; who gives up early sends twice
RELAY_QUIT_TIMEOUT_S = 5.0  # the reply to QUIT tells nothing
RELAY_REPLY_LINE_OCTETS = 12_290  # RFC 5321 §4.5.3.1.5 has 512; the challenge of AUTH may be longer (RFC 4954 §4)
RELAY_REPLY_LINES = 200  # of one reply
RELAY_REPLY_OCTETS = 32 * 1024  # of one reply, lines together
RELAY_TEXT_CHARACTERS = 2_000  # of a reply, kept for the record and told to the sender
RELAY_RECIPIENTS = 100  # in one transaction; RFC 5321 §4.5.3.1.8: every host takes so many
RELAY_TRANSACTIONS = 1_000  # on one connection, where the host names no limit
RELAY_CHUNK_OCTETS = 256 * 1024  # of one BDAT, and of one piece of a body that lies outside
RELAY_AHEAD_OCTETS = 64 * 1024  # a message up to here goes with MAIL and RCPT in one flight where the host has CHUNKING
RELAY_CHAIN = 10  # certificates of a peer that are looked through


# -- sending -------------------------------------------------------------------------------------------------------
SEND_PER_HOUR = 500  # recipients of an account in other domains; a circular to a club
SEND_PER_DAY = 2_000
SEND_STRANGERS_PER_DAY = 200  # of them, to whom it never wrote before: few people meet so many in a day
KEEP_CORRESPONDENT_S = 2 * 365 * 86_400  # who was not written to for so long is a stranger again
SEND_SLOT_S = 600  # they are counted by such stretches of time
LOCAL_AT_ONCE = 200  # accounts of ours that are served in the reply to the dot; more are errands, so it stays quick
SENT_LOOKED_BACK = 100  # messages of Sent among which the same Message-ID is looked for

# -- IMAP ----------------------------------------------------------------------------------------------------------
IMAP_LINE_OCTETS = 64 * 1024  # RFC 9051 §4 has no number; RFC 7162 §4 wants 8,192 at least
IMAP_COMMAND_OCTETS = 256 * 1024  # line and small literals of one command together
IMAP_LITERAL_OCTETS = 64 * 1024  # of a literal that is not a message
IMAP_LITERALS = 1_000  # in one command
IMAP_APPEND_OCTETS = 64 * 1024 * 1024  # of all messages of one APPEND, where it has several: one transaction
INFLATE_OCTETS = 256 * 1024  # unpacked at a time of what a peer has deflated, which may be a thousandth of it
IMAP_UNAUTHENTICATED_LINE_OCTETS = 16 * 1024
IMAP_NESTING = 50  # parentheses of SEARCH and LIST
IMAP_IDLE_TIMEOUT_S = 1_800.0  # RFC 9051 §5.4: at least 30 minutes once logged in; who idles hears a sign of life then
IMAP_LOGIN_TIMEOUT_S = 60.0
IMAP_BAD_COMMANDS = 20  # one after the other, before BYE
IMAP_UNAUTHENTICATED_LITERAL_OCTETS = 4 * 1024  # a name or a password
IMAP_SASL_LINE_OCTETS = 16 * 1024  # RFC 4954 §4 has 12,288; Kerberos tickets and tokens are the longest
IMAP_SET_RANGES = 10_000  # in one sequence set
IMAP_SORT_KEYS = 20  # in one SORT
IMAP_SEARCH_KEYS = 2_000  # in one SEARCH
IMAP_LIST_PATTERNS = 100  # in one LIST; each is held against every mailbox
IMAP_FILTER_MAILBOXES = 1_000  # named in one filter of NOTIFY or ESEARCH
IMAP_NOTIFY_GROUPS = 50  # event groups of one NOTIFY
IMAP_NOTIFY_AT_ONCE = 1_000  # mailboxes told of in one go; beyond, notifications end (RFC 5465 §5.8)
IMAP_NOTIFY_BOOKS = 100  # accounts whose mailboxes one NOTIFY watches
IMAP_FUZZY_KEYS = 20  # in one SEARCH: words cost more than substrings
SEARCH_INLINE_CHARACTERS = 64 * 1024  # of a text; a longer one is looked through in a thread: 20 FUZZY keys take 50 ms
FUZZY_WORDS = 20  # looked for by one of them; further ones are not
IMAP_CONTEXTS = 10  # searches of one session that are kept up (RFC 5267 §4.3.1)
IMAP_CONTEXT_RESULTS = 250_000  # of all of them together: a megabyte
IMAP_PROGRESS_S = 12.0  # RFC 9585 §4: every 10 to 15 seconds
IMAP_BATCH_FEWEST = 500  # messages in a batch of UIDBATCHES (RFC 10022 §3.1.3.2)
IMAP_BATCH_MOST = 100_000  # messages in all batches that are asked for by number (RFC 10022 §3.1.5)
IMAP_BATCHES_ASKED = 1_000  # different questions of that kind while a mailbox is selected
IMAP_ID_PAIRS = 30  # RFC 2971 §3.3
IMAP_ENTRY_OCTETS = 1_000  # the name of an annotation
IMAP_ENTRIES = 200  # named in one GETMETADATA, SETMETADATA or LIST
IMAP_DEEP_ENTRIES = 10  # of them where all that is below is asked for as well
IMAP_FILTERS = 10  # named searches that one search may lead through
ORDERS_OCTETS = 16 * 1024 * 1024  # of what a worker remembers of SORT and THREAD: four million places in an order
IMAP_MEMO_OCTETS = 512  # FETCH attribute lists up to here are read once per process

# -- POP3 ----------------------------------------------------------------------------------------------------------
POP3_LINE_OCTETS = 255  # RFC 2449 §4
POP3_IDLE_TIMEOUT_S = 600.0  # RFC 1939 §3: at least 10 minutes
POP3_LOGIN_TIMEOUT_S = 60.0
POP3_BAD_COMMANDS = 20
POP3_LOGIN_LINE_OCTETS = 12_288  # RFC 5034 §4 wants long AUTH responses; PASS carries passwords up to PASSWORD_OCTETS
POP3_AHEAD_MESSAGES = 16  # read with one that is asked for in turn
POP3_AHEAD_OCTETS = 64 * 1024  # of them
POP3_BATCH_OCTETS = 512 * 1024  # messages read and written at once for pipelined RETR; one larger message goes alone
POP3_BATCH_MESSAGES = 100
POP3_LEASE_S = 60.0  # the exclusive maildrop (RFC 1939 §4); a worker that died holds it no longer than this
POP3_LEASE_RENEW_S = 20.0
POP3_LEASE_TRIES = 5  # a client that reconnects at once meets its own last session, which is just leaving
POP3_LEASE_PAUSE_S = 0.2  # between them

# -- log-in --------------------------------------------------------------------------------------------------------
PASSWORD_OCTETS = 1_024
LOGIN_ATTEMPTS_PER_SESSION = 5
LOGIN_NAME_OCTETS = 512  # the longest address: SMTP_LOCALPART_OCTETS, "@", SMTP_DOMAIN_OCTETS
ARGON2_MEMORY_KIB = 19 * 1024  # OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, t=2, p=1
ARGON2_PASSES = 2
ARGON2_LANES = 1
SCRAM_ITERATIONS = 10_000  # RFC 7677 §4 wants 4,096; every log-in of a telephone pays it, 10,000 are some 10 ms there
SCRAM_IMPORT_ITERATIONS = 4_096  # RFC 7677 §4's least, 1 ms for an account; its first log-in makes better ones
SCRAM_ITERATIONS_MAX = 1_000_000  # as a client: a server may not make us count for ever
SALT_OCTETS = 16  # RFC 9106 §3.1
LOGIN_THREADS = 2  # Argon2 lets the GIL go, and holds 19 MiB while it runs
LOGIN_UPGRADES = 20  # credentials made better at once; after an import, what does not fit is done another time
LOGIN_REFRESH_S = 30.0  # how soon CRAM-MD5 is offered after the first account has opted in
LOGIN_WAITING = 200  # verifications that wait for a thread; about two seconds of work
VERIFIED_LIFE_S = 1_800.0  # a remembered log-in, since its last use
VERIFIED_ENTRIES = 100_000
WRONG_LIFE_S = 600.0  # a guess known to be wrong costs no second Argon2
WRONG_ENTRIES = 10_000
GUESS_WINDOW_S = 600.0
GUESSES_FREE = 5  # wrong guesses without delay
GUESSES_PER_ADDRESS = 50  # in the window, of different passwords; an office behind one address mistypes too
GUESSES_PER_ACCOUNT = 20
GUESS_DELAY_MAX_S = 8.0  # doubled from half a second on
KNOWN_PEER_LIFE_S = 86_400.0  # a peer that logged in is not shut out by others' guesses
RATE_KEYS = 100_000  # addresses or accounts counted at once; beyond, the longest silent is forgotten

ALIAS_DEPTH = 10  # aliases that lead to aliases
ALIAS_TARGETS = 1_000  # of one address, nested ones together

# -- mail ----------------------------------------------------------------------------------------------------------
MIME_PARTS = 10_000  # what lies beyond is one opaque part
MIME_DEPTH = 100
HEADER_OCTETS = 1024 * 1024  # a larger header is not read beyond this for ENVELOPE and facts
HEADER_FIELDS = 10_000
MIME_HEADER_OCTETS = 64 * 1024  # of a part's header, read for its MIME fields
MIME_PARAMETERS = 100  # of one field
MIME_FALSE_DELIMITERS = 100_000  # lines that begin as a boundary does and are none; beyond, no more are looked for
ADDRESS_LIST_OCTETS = 256 * 1024  # of one address list; 10,000 addresses
HEADER_ADDRESSES = 10_000  # in one ENVELOPE; a list with more is cut
PREVIEW_CHARACTERS = 256  # RFC 8970 §3: at most 200 are wanted, 256 may be sent
PREVIEW_OCTETS = 64 * 1024  # of one part, read for the preview
PREVIEW_PARTS = 5  # text parts tried until one has text
PREVIEW_HTML_TAGS = 3_000
HTML_TAGS = 10_000  # Lexbor needs 0.2 s for so many, each in the other; beyond, tags are cut out by a plainer way
HTML_OCTETS = 2 * 1024 * 1024  # of one part, read for its text
SUBJECT_CHARACTERS = 4_000  # decoded, for search
REFERENCES = 1_000  # message-ids of one References field; the last ones count
MESSAGE_ID_OCTETS = 998  # RFC 5322 §2.1.1: a longer one is no key
DSN_RETURN_OCTETS = 100 * 1024  # of a message given back whole; Postfix has 50,000. A longer one: its header only
DSN_HEADER_OCTETS = 32 * 1024  # of a header given back
DSN_TEXT_CHARACTERS = 2_000  # of one field of a report; a reply of another server is the longest
DSN_SUBJECT_CHARACTERS = 200  # of the subject of the message spoken of
DSN_GIVE_UP_S = 2 * 86_400  # a DSN for another server is not tried for longer: nobody is told if it fails
REPORT_OCTETS = 256 * 1024  # read of the part for programs of a report, and of the header given back with it
REPORT_MESSAGE_OCTETS = 4 * 1024 * 1024  # a report is kept and yet not read beyond; some give the message back whole
REPORT_RECIPIENTS = 1_000  # in one report; as many as one transaction may have

# -- authentication of mail ----------------------------------------------------------------------------------------
DKIM_RSA_BITS = 2_048  # of our own keys: RFC 8301 §3.2
DKIM_RSA_BITS_MIN = 1_024  # RFC 8301 §3.2: a signature by a shorter key says nothing
DKIM_KEYS_READ = 1_000  # of a worker, kept read: 2 KB each
DKIM_SIGNATURES = 10  # looked at in one message (RFC 6376 §6.1); honest mail has one to four
DKIM_NAMES = 500  # in one h=
DKIM_RECORDS = 5  # TXT records at one name that are tried as a key
ARC_SETS = 50  # RFC 8617 §4.2.1
DKIM_RECORD_KEPT_S = 7 * 86_400  # in DNS, of a retired key: longer than a queue tries (RFC 5321 §4.5.4.1: 4 to 5 days)
DKIM_ROTATE_EVERY_S = 600.0
DKIM_LEASE_S = 300.0
DKIM_LOOKED_FOR = 100  # published keys that are looked for in DNS in one round
CHECK_INLINE_OCTETS = 256 * 1024  # a larger message is hashed in a thread: 5 MB take some 30 ms
CHECK_INLINE_HEADER_OCTETS = 32 * 1024  # signatures over a larger header are proven in a thread: 1 MB of spaces, signed
# ten times, takes 0.1 s
DKIM_RSA_BITS_MAX = 4_096  # RFC 8301 §3.2 wants up to here; longer ones would make us compute for strangers
DKIM_RSA_EXPONENT_BITS = 64  # as OpenSSL has it for long keys; 3,072 of them take 7 ms a signature, 65537 takes 0.05
SPF_TERMS = 10  # that ask DNS: RFC 7208 §4.6.4
SPF_VOIDS = 2  # of them without an answer: RFC 7208 §4.6.4
SPF_NAMES = 10  # MX or PTR records of one term: RFC 7208 §4.6.4
SPF_RECORD_OCTETS = 8 * 1024  # RFC 7208 §3.4 advises 450; read as a whole, eleven times where it includes itself
SPF_TIMEOUT_S = 20.0  # RFC 7208 §4.6.4: at least that much
SRS_DAYS = 21  # for so long mail to a rewritten reverse-path goes back; queues give up after 5 days, people later
SRS_SECRET_S = 90 * 86_400  # after that a new one signs; the old one counts for SRS_DAYS more

# -- queue ---------------------------------------------------------------------------------------------------------
QUEUE_CONNECTIONS_FIRST = 5  # to a destination that we do not know yet; Postfix's initial_destination_concurrency
QUEUE_CONNECTIONS_MOST = 20  # to one destination, of all workers together; its default_destination_concurrency_limit
QUEUE_RETRY_FIRST_S = 300  # after the first try; doubled each time
QUEUE_RETRY_MOST_S = 3_600  # between two tries; RFC 5321 §4.5.4.1 wants 30 minutes at least, once it has failed often
QUEUE_ERRANDS_PER_LOAD = 50  # claimed at a time for one connection; Postfix's default_destination_recipient_limit
QUEUE_LOADS = 200  # on their way from one worker; a host that says nothing takes its time and little else
QUEUE_SUSPECT_LOADS = 150  # of these, to hosts that are not known to work: the others never wait for them
QUEUE_NEW_LOADS = 50  # of these, kept free for destinations that have just come
QUEUE_NEW_S = 10  # and are due no longer than this
QUEUE_UNSURE_LOADS = 20  # to such hosts, on their way or failed and not outweighed by successes: the brake is on
QUEUE_FAILING_LOADS = 5  # then, in one write: with all that follows some 15 ms of processor
QUEUE_FAILING_REST_S = 0.1  # until the next ones
QUEUE_FAILING_PATIENCE_S = 2.0  # or so long while the worker has something else to do: 1 % of its time
QUEUE_CLAIM_LOADS = 10  # in one write
QUEUE_PARCELS_PER_LINK = 500  # then another destination may have its turn
QUEUE_LEASE_S = 300  # a load whose worker died without an heir waits no longer than this and QUEUE_SILENT_S
QUEUE_RENEW_S = 20.0
QUEUE_SILENT_S = 50.0  # what ran out and was not renewed in that time is nobody's, whichever clock is wrong
QUEUE_HANDED = 8  # messages that one connection to a quick host takes from sessions before they are sent
QUEUE_QUICK_S = 0.02  # what such a host takes for a message
QUEUE_BATCH_S = 1.0  # so long a connection takes from sessions alone; then what waits in the queue has its turn
QUEUE_GATHER_S = 0.005  # between two looks while mail is on its way: much may ring in that time
QUEUE_SETTLE_PARCELS = 10  # sent and not settled: these are sent again after a crash
QUEUE_SETTLE_S = 0.05  # or for so long
QUEUE_PATIENT_REST = 2  # times what it took to settle errands whose host did not work, until the next ones are settled
QUEUE_SETTLE_AGAIN_S = 2.0  # while the store cannot be written
QUEUE_LOOK_S = 5.0  # also where nothing rings
QUEUE_LINK_IDLE_S = 2.0  # a connection waits for further errands; Postfix's connection cache has the same
QUEUE_LINKS_IDLE = 50  # of one worker
QUEUE_STALE_DESTINATIONS = 10  # met in one claim that turn out to have nothing due
QUEUE_CLOCK_AGAIN_S = 60  # a parcel's clock, where some of its errands are on their way
QUEUE_LAST_CHANCE_S = 3_600  # what got old while nobody tried it is tried for so long before it is given up
QUEUE_AHEAD_ERRANDS = 1_000  # looked at in one piece when the clock went back
QUEUE_KEEP_DESTINATION_S = 86_400  # what was learned about one that has no errands any more

# -- store ---------------------------------------------------------------------------------------------------------
MAILBOX_NAME_OCTETS = 1_000
MAILBOX_DEPTH = 50
ANNOTATION_OCTETS = 32 * 1024  # of one value; RFC 5464 §3.1 wants 1,024 at least
ANNOTATIONS = 20_000  # of an account; a colour and an order for each mailbox
ANNOTATION_OCTETS_IN_ALL = 4 * 1024 * 1024  # of an account, beside its quota
MAILBOXES_PER_ACCOUNT = 10_000
ACL_ENTRIES = 1_000  # of a mailbox; GETACL tells them in one line
KEYWORDS_PER_MAILBOX = 53  # of 63 bits, ten are taken by the flags that everybody has
KEYWORD_OCTETS = 100
INLINE_OCTETS = 128 * 1024  # octets up to here live in the database, larger ones outside
SPOOL_MEMORY_OCTETS = 256 * 1024  # a message larger than this is spooled to a file while it comes in
LARGE_AT_ONCE = 2  # large messages that a worker reads at a time: each is in memory meanwhile
WRITE_BATCH = 200  # write functions in one commit
SPACE_RESERVE_OCTETS = 64 * 1024 * 1024  # below this, mail is deferred while EXPUNGE and the purge still work
STORE_LOCK_PATIENCE_S = 30.0  # waiting for the right to write, or for a connection; then StoreBusy
STORE_CONNECTIONS = 8  # of one worker to PostgreSQL, one more for bells; its default is 100 in all
STORE_RETRIES = 5  # of a write that PostgreSQL gave up for another's sake (40001, 40P01)
STORE_STATEMENT_TIMEOUT_S = 60.0  # PostgreSQL: a statement that takes longer has lost its server
KEEP_TOMBSTONES_S = (
    90 * 86_400
)  # and the book of changes: how long a client may stay away and still learn what vanished
DRAFT_REPLACED_S = 60  # between a draft's expunge and the saving of its next version: clients do both at once
UNDELETE_PIECE = 1_000  # messages put into a view of deleted messages, or brought back, in one write
KEEP_PENDING_S = 3_600  # octets outside whose writer has not come back by then are taken away
KEEP_RECORD_S = 30 * 86_400  # what happened to messages on their way out; the longest queue is a week
RECORD_TEXT_CHARACTERS = 500  # of a reply of another server
WHY_MESSAGES = 500_000  # the latest that are looked through for one that no index finds: some seconds
WHY_PAGE = 2_000  # of them in one read, so that others have their turn
WHY_FOUND = 5  # messages that are told of for an address
WHY_LINES = 50  # of the log that are told, the last ones
WHY_LOG_OCTETS = 1024 * 1024 * 1024  # at the end of the log file, looked through
RECORD_FOUND = 20  # messages with one Message-ID
SUPPRESSION_S = 30 * 86_400  # of an address that does not exist; twice as long each time it is met again
SUPPRESSION_MAX_S = 365 * 86_400
SUPPRESSION_REPORTED_S = 7 * 86_400  # where a later report says so: anybody can write one
SUPPRESSION_FORGET_S = 180 * 86_400  # after its end, until when a failure counts as one more
SUPPRESSION_TEXT_CHARACTERS = 200  # of its reason; it has to fit into a reply
SWEEP_EVERY_S = 600.0
SWEEP_PACK_IDS = 5_000  # looked through in one read for bodies to pack: about a millisecond
SWEEP_RESCAN_IDS = 1_000  # looked through in one read for messages of an older scan
SWEEP_ROWS = 200  # in one write of the sweep: a few milliseconds
SWEEP_LEASE_S = 120.0
VERIFY_ROWS_SHOWN = 5  # of each broken invariant

# -- DNS and the next hop ------------------------------------------------------------------------------------------
DNS_TRY_S = 3.0  # waiting for one resolver, then the next is asked
DNS_ROUNDS = 2  # through all resolvers
DNS_RESOLVERS = 3  # of /etc/resolv.conf, as resolv.conf(5) has it
DNS_UDP_OCTETS = 1_232  # offered by EDNS(0): no path cuts such a datagram in pieces (DNS flag day 2020)
DNS_CNAMES = 8  # in a row, asked one by one; a resolver that follows them itself needs none of these
DNS_CACHE_ENTRIES = 20_000
DNS_CACHE_OCTETS = 32 * 1024 * 1024  # of one worker: 20,000 answers as most of them are take half of it
DNS_TLS_IDLE_S = 10.0  # RFC 7766 §6.2.3: a connection that is not used is closed after a few seconds
DNS_TTL_MAX_S = 86_400  # RFC 2181 §8 allows less than what is told
DNS_NEGATIVE_TTL_MAX_S = 3_600  # RFC 2308 §5: at most three hours; mail must not wait that long for a new domain
DNS_NEGATIVE_TTL_S = 60  # where no SOA says it
NEXTHOP_HOSTS = 10  # of one domain, in order of preference
NEXTHOP_ADDRESSES = 6  # of one host, both families in turn

# -- work that gives way to mail -----------------------------------------------------------------------------------
REST_LEAST_S = 0.02  # between two pieces
REST_QUIET_SHARE = 0.2  # of the time: a worker that works no more than this has nothing to do
REST_AGAIN_S = 0.5  # once it had something to do: a client thinks between two commands, and has not gone away

# -- the index of texts --------------------------------------------------------------------------------------------
INDEX_EVERY_S = 1.0  # how often new mail is looked for: one read by key
INDEX_PIECE = 20  # messages read, decoded and added at once: some 10 ms
INDEX_PATIENCE_S = 2.0  # that the index waits for a busy worker, then it adds one piece more
INDEX_LOOK_IDS = 5_000
INDEX_TEXT_CHARACTERS = 2_000_000  # of one message; a longer text is read again by every search
INDEX_TEXT_OCTETS = 4 * 1024 * 1024  # of it before it is decoded, which takes some three times as much memory
INDEX_PIECE_CHARACTERS = 4_000_000  # of the texts of one piece, which are in memory together
INDEX_CLEAN_S = 6 * 3_600.0
INDEX_LATE_S = 2 * STORE_STATEMENT_TIMEOUT_S  # PostgreSQL: a transaction is given up before it takes so long

# -- what SORT looks at --------------------------------------------------------------------------------------------
SORTFACT_EVERY_S = 2.0  # how often some mailboxes are looked at for what is to be kept
SORTFACT_LOOK_MAILBOXES = 2_000  # in one read: some tenths of a millisecond
SORTFACT_LOOK_PIECES = 50  # the same, for those of which most messages have gone
SORTFACT_CLEAN_S = 6 * 3_600.0
SORTFACT_LEASE_S = 120.0
SORTFACT_PATIENCE_S = 20.0  # that a piece waits for a busy worker
SORTFACT_LATER_S = 600.0  # as often as the sweep prepares messages of an older scan

# -- secure ways to other servers ----------------------------------------------------------------------------------
HTTPS_TIMEOUT_S = 30.0  # RFC 8461 §3.3 suggests a minute for a policy; mail waits for it
HTTPS_ADDRESSES = 4  # of one host
HTTPS_REPLY_OCTETS = 64 * 1024  # to a report that we hand in
STS_POLICY_OCTETS = 64 * 1024  # RFC 8461 §3.3
STS_PATTERNS = 1_000  # mx lines of one policy
STS_MAX_AGE_S = 31_557_600  # RFC 8461 §3.2
STS_RETRY_S = 300.0  # RFC 8461 §3.3: no sooner after a policy that could not be fetched
STS_RETRY_DOMAINS = 10_000  # remembered for that
STS_REFRESH_S = 86_400  # RFC 8461 §10.2: once a day, long before it runs out
STS_REFRESH_EVERY_S = 3_600.0
STS_REFRESH_AT_ONCE = 200  # policies of one round
STS_REFRESH_LEASE_S = 900.0
STS_KEEP_UNUSED_S = 31 * 86_400  # a policy for which there was no mail since then is refreshed no more

# -- reports of TLS ------------------------------------------------------------------------------------------------
TLSRPT_URIS = 5  # to which one report goes
TLSRPT_OCTETS = 1024 * 1024  # of a report's JSON, unpacked: a hundredth of a second, and some 10 MB of memory
TLSRPT_KEPT = 1_000  # rows of reports that came in on one day for one domain
TLSRPT_FAILURES_KEPT = 20  # of one policy of a report, those with most sessions
TLSRPT_SESSIONS = 1 << 53  # more is no number
TLSRPT_KEEP_S = 90 * 86_400  # reports that came in
TLSRPT_POLICIES = 1_000  # read of one report
TLSRPT_DETAILS = 1_000  # read of one policy; and rows kept for one domain and day, the rest is counted together
TLSRPT_REASON_CHARACTERS = 200
TLSRPT_FLUSH_S = 60.0  # what was counted in memory is written; a crash loses no more
TLSRPT_WAITING = 10_000  # counted apart in memory until then; beyond, it is written sooner
TLSRPT_EVERY_S = 1_800.0
TLSRPT_LEASE_S = 900.0
TLSRPT_SPREAD_S = 4 * 3_600  # RFC 8460 §4.1: not all reports of the world at midnight
TLSRPT_TRIES_S = 86_400  # RFC 8460 §5.3: a report that nobody takes is given up after a day
TLSRPT_AT_ONCE = 500  # reports of one round
