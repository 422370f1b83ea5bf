"""A handful of calls at the same time, on daemon threads, so that an interrupted run never waits for them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
T = TypeVar("T")


def spawn(work: Callable[[], object], name: str) -> threading.Thread:
    """Run `work` on a daemon thread, which does not keep the process alive."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


class Background(Generic[T]):
    """One call on a daemon thread; `result()` waits for it and gives its value or raises its error.

    With a `timeout` (seconds) the wait may end before the call does: then it raises `TimeoutError`.
    """

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._done = threading.Event()
        self._value: T | None = None
        self._error: BaseException | None = None
        self._work = work
        spawn(self._run, name)

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 -- raised again by result(), in the caller's thread
            self._error = error
        self._done.set()

    @property
    def done(self) -> bool:
        """Whether the call has ended, well or not."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the end of the call; whether it has ended."""
        return self._done.wait(seconds)

    def result(self, timeout: float | None = None) -> T:
        """The value of the call; raises what the call raised."""
        if not self._done.wait(timeout):
            raise TimeoutError(f"not done within {timeout} s")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set whenever there is no error


def each(function: Callable[[A], T], items: Sequence[A], workers: int) -> list[T]:
    """Call a function on all items, on at most `workers` threads, and return its values in the order of the items.

    The first error stops the calls that have not begun, waits for those that have, and is raised; so when this
    function returns or raises, nothing of it is still going on.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(items)):
        waiting.put(number)
    values: dict[int, T] = {}
    errors: list[BaseException] = []

    def work() -> None:
        while not errors:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                values[number] = function(items[number])
            except BaseException as error:  # noqa: BLE001 -- raised again below, in the caller's thread
                errors.append(error)

    running = [Background(work, f"parallel-{n}") for n in range(min(workers, len(items)))]
    for one in running:
        one.result()
    if errors:
        raise errors[0]
    return [values[number] for number in range(len(items))]
