"""Values: made once, never changed; for what is made for each message or each command.

    @value
    class Placing:
        account: int
        mailbox: int

The same as @dataclass(frozen=True, slots=True), and to mypy it is just that: nobody may change a field. At run time
nothing watches over it, because a frozen dataclass sets each field by a call of its own and takes four times as long to
make (measured: a twelfth of a whole delivery, which makes twenty of them).

Standards: none.
Faults:    none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def value(cls: type[T], /) -> type[T]: ...


@overload
def value(*, eq: bool) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T] | None = None, /, *, eq: bool = True) -> type[T] | Callable[[type[T]], type[T]]:
    """eq=False: compared and hashed by identity."""

    def made(cls: type[T]) -> type[T]:
        return dataclass(slots=True, eq=eq, unsafe_hash=eq)(cls)

    return made if cls is None else made(cls)
