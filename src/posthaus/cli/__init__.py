"""The admin command: `posthaus`.

Only the parser is loaded here; each command's module is loaded when the command runs, because scripts call this often.

    0   done
    1   refused, with one line on standard error that says why
    2   the command line makes no sense

Standards: none.
Faults:    none; every Refusal and Trouble ends as exit code 1.
"""

import importlib
import os
import sys
from collections.abc import Sequence

from posthaus.base.error import Refusal, Trouble
from posthaus.cli.argument import make_parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(arguments)
    os.umask(0o077)  # mail, keys and credentials are nobody else's
    module, _, function = options.run.partition(":")
    try:
        code: int = getattr(importlib.import_module(f"posthaus.cli.{module}"), function)(options)
    except (Refusal, Trouble) as fault:
        from posthaus.cli.words import words_of

        print(f"posthaus: {words_of(fault)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # `posthaus account list | head` is no fault of anybody
        return 1
    except KeyboardInterrupt:
        return 130
    return code
