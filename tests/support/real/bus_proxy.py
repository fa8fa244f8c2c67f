"""A line to the broker that fails: cut, half open, slow; frames doubled, lost, swapped, hurt.

Runs in a thread of its own, one proxy for each service; portable, needs no root.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from support.real.patience import PATIENCE_S

Mutate = Callable[[bytes], list[bytes]]
"""[-] from one frame of a message to those that are sent in its place."""

READ_BYTES = 65_536


def as_it_is(frame: bytes) -> list[bytes]:
    return [frame]


@dataclass
class Direction:
    """What happens to what goes one way."""

    is_held: bool = False
    delay_s: float = 0.0
    mutate: Mutate = as_it_is


@dataclass
class Proxy:
    """One service's line; its fields may be set at any time."""

    to_host: str
    to_port: int
    port: int = 0
    is_cut: bool = False
    up: Direction = field(default_factory=Direction)
    """[-] from the service to the broker."""
    down: Direction = field(default_factory=Direction)
    """[-] from the broker to the service."""
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def heal(self) -> None:
        self.is_cut = False
        self.up, self.down = Direction(), Direction()

    async def serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(self.to_host, self.to_port)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, back}
        ways = (
            asyncio.create_task(self._pump(reader, back, lambda: self.up)),
            asyncio.create_task(self._pump(there, writer, lambda: self.down)),
        )
        with suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for one in (writer, back):
            self.writers.discard(one)
            one.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        now: Callable[[], Direction],
    ) -> None:
        frames = Frames()
        with suppress(OSError):
            while data := await reader.read(READ_BYTES):
                for frame in frames.feed(data):
                    while now().is_held:  # noqa: ASYNC110  # set from another thread
                        await asyncio.sleep(0.05)
                    if now().delay_s:
                        await asyncio.sleep(now().delay_s)
                    for sent in now().mutate(frame):
                        writer.write(sent)
                await writer.drain()

    def cut(self) -> None:
        """Close every line, and take none until healed."""
        self.is_cut = True
        for writer in tuple(self.writers):
            writer.transport.abort()


class Frames:
    """Takes the NATS protocol apart: a line, and a payload where the line says so."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._left += data
        while True:
            line, end, _ = self._left.partition(b"\r\n")
            if not end:
                return
            size = len(line) + 2
            words = line.split()
            if words and words[0].upper() in (b"MSG", b"HMSG", b"PUB", b"HPUB"):
                size += int(words[-1]) + 2
            if len(self._left) < size:
                return
            frame, self._left = self._left[:size], self._left[size:]
            yield frame


def subject_of(frame: bytes) -> str:
    """Name the subject of a frame that bears a message, empty for any other."""
    words = frame.partition(b"\r\n")[0].split()
    has_subject = len(words) > 2 and words[0].upper() in (b"MSG", b"HMSG", b"PUB", b"HPUB")
    return words[1].decode() if has_subject else ""


class Mangler:
    """Doubles, loses, swaps or hurts one message in so many, by a lot that can be drawn again."""

    def __init__(self, *, seed: int, one_in: int, ways: tuple[str, ...]) -> None:
        self.done: dict[str, int] = dict.fromkeys(ways, 0)
        self._lot = random.Random(seed)  # noqa: S311  # a lot that can be drawn again
        self._one_in = one_in
        self._ways = ways
        self._kept: bytes | None = None

    def __call__(self, frame: bytes) -> list[bytes]:
        """Mangle a message of the stream; everything else passes."""
        if not subject_of(frame).startswith("basalt.") or self._lot.randrange(self._one_in):
            return self._with_kept([frame])
        way = self._lot.choice(self._ways)
        self.done[way] += 1
        match way:
            case "double":
                return self._with_kept([frame, frame])
            case "lose":
                return self._with_kept([])
            case "swap":
                before, self._kept = self._kept, frame
                return [before] if before else []
            case _:
                return self._with_kept([self._hurt(frame)])

    def _with_kept(self, frames: list[bytes]) -> list[bytes]:
        if self._kept is None or not frames:
            return frames
        kept, self._kept = self._kept, None
        return [*frames, kept]

    def _hurt(self, frame: bytes) -> bytes:
        """Flip a bit of the payload's last part, which is where events and commands say what."""
        data = bytearray(frame)
        words = frame.partition(b"\r\n")[0].split()
        headers = int(words[-2]) if words[0].upper().startswith(b"H") else 0
        payload = int(words[-1]) - headers
        place = len(data) - 3 - self._lot.randrange(max(1, payload))
        data[place] ^= 1 << self._lot.randrange(7)
        return bytes(data)


@contextmanager
def proxies(names: tuple[str, ...], *, host: str, port: int) -> Iterator[dict[str, Proxy]]:
    """Run a proxy for each name in a thread of its own."""
    made = {name: Proxy(host, port) for name in names}
    ready, loop = threading.Event(), asyncio.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        for proxy in made.values():
            loop.run_until_complete(proxy.serve())
        ready.set()
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(PATIENCE_S)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
