"""The grammar of the command line: the house itself, its copies, and what it keeps.

Standards: none.
Faults:    as cli/argument.py.
"""

from posthaus.cli.subcommand import Commands, make_command, make_group


def add_house(commands: Commands) -> None:
    init = make_command(commands, "init", "house:init", "make a new house: settings, store, certificate")
    init.add_argument("house", metavar="DIR")
    init.add_argument("--domain", required=True, help="the first domain whose mail comes here")
    init.add_argument("--hostname", help="name of this host as other servers see it (default: mail.DOMAIN)")
    init.add_argument("--store", metavar="URL", help="postgresql://user@host/database (default: SQLite in the folder)")
    init.add_argument("--loopback", action="store_true", help="listen on 127.0.0.1 and ::1 only")
    init.add_argument("--port-base", type=int, default=0, metavar="N", help="add N to every port: 10000 makes 25 10025")

    serve = make_command(commands, "serve", "house:serve", "run the house until SIGTERM; says `ready` when it accepts")
    serve.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: the settings)")

    dev = make_command(commands, "dev", "house:dev", "a post office for trying out, on this host, with two accounts")
    dev.add_argument("house", metavar="DIR", nargs="?", default="posthaus-dev")
    dev.add_argument("--port-base", type=int, default=10000, metavar="N")

    make_command(commands, "config", "house:config", "print all settings with their defaults and words")
    verify = make_command(commands, "verify", "house:verify", "check every invariant of the store")
    verify.add_argument("--json", action="store_true")
    backup = make_command(commands, "backup", "copy:backup", "copy the house while it runs")
    backup.add_argument("destination", metavar="DEST")
    restore = make_command(commands, "restore", "copy:restore", "make DIR from a backup; DIR must not have a house yet")
    restore.add_argument("source", metavar="SRC")


def add_index(commands: Commands) -> None:
    group = make_group(commands, "index", "the index of texts, behind SEARCH")
    make_command(group, "status", "index:status", "how far it has come").add_argument("--json", action="store_true")
    make_command(group, "rebuild", "index:rebuild", "throw it away; the running house makes it anew")


def add_annotation(commands: Commands) -> None:
    group = make_group(
        commands, "annotation", "what mail programs read of this server, for all accounts (IMAP METADATA)"
    )
    listing = make_command(group, "list", "annotation:listing", "all of them")
    listing.add_argument("--json", action="store_true")
    put = make_command(group, "set", "annotation:put", "write one: /shared/comment, /shared/admin, /shared/vendor/...")
    put.add_argument("entry")
    put.add_argument("value")
    remove = make_command(group, "remove", "annotation:remove", "take one away")
    remove.add_argument("entry")


def add_undelete(commands: Commands) -> None:
    undelete = make_command(
        commands,
        "undelete",
        "undelete:run",
        "bring deleted messages of an account back into the mailboxes where they were, as long as they are kept "
        "([store] keep_octets)",
    )
    undelete.add_argument("address", metavar="ADDRESS")
    undelete.add_argument("--mailbox", metavar="NAME", help="those that were in this mailbox")
    undelete.add_argument(
        "--since", metavar="TIME", help='those deleted since then: "2 hours" ago, or 2026-11-25T14:30'
    )
    undelete.add_argument("--id", type=int, nargs="+", metavar="N", help="these, by the ids that --list shows")
    undelete.add_argument("--all", action="store_true", help="all of them")
    undelete.add_argument("--list", action="store_true", help="only show which there are")
    undelete.add_argument("--json", action="store_true")
