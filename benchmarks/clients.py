"""Load generators: what clients of a server see, from many connections at once, and what they and the server cost.

Clients are one thread on raw sockets, or one event loop for WebSockets: as light as they can be, for they share the
server's cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import selectors
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

RATE = 16_000


@dataclass(frozen=True)
class Load:
    """What a number of clients saw.

    Attributes:
        rate: Requests per second.
        p50: Median of a request's milliseconds.
        p99: Their 99th percentile.
        processor: Milliseconds of processor time that a request cost the server; other processes disturb it less.
        client: Milliseconds of processor time that it cost the clients, who share the server's cores.
    """

    rate: float
    p50: float
    p99: float
    processor: float
    client: float = 0.0


def middle(loads: list[Load]) -> Load:
    """Return the median of each figure."""
    return Load(*np.median([list(vars(load).values()) for load in loads], axis=0).tolist())


def form(content: bytes) -> bytes:
    """Write a request as curl would."""
    boundary = "------------------------d74496d66958873e"
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="clip.wav"\r\n'
    body = f"{part}Content-Type: audio/wav\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    lines = f"Content-Length: {len(body)}\r\nContent-Type: multipart/form-data; boundary={boundary}\r\n"
    head = f"POST /v1/audio/emotions HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: curl/8\r\nAccept: */*\r\n{lines}\r\n"
    return head.encode() + body


def processor_seconds(process: int) -> float:
    """Return the processor time of a process and its children."""
    folders = [Path(f"/proc/{process}"), *(Path(f"/proc/{one}") for one in children(process))]
    fields = [(folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split() for folder in folders]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return [int(one) for one in found]


class Connection:
    """A client's connection, which has one request under way.

    Args:
        port: The server's, on this machine.
        request: What is sent, again and again.
    """

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(request))  # so that sending never waits
        self._request = request
        self._answer = b""
        self._sent = 0.0

    def fileno(self) -> int:
        """Tell a selector what to watch."""
        return self.socket.fileno()

    def ask(self) -> None:
        """Send the request."""
        self._answer, self._sent = b"", time.perf_counter()
        self.socket.sendall(self._request)

    def read(self) -> float | None:
        """Read what has come; return the milliseconds that the answer took once it is whole."""
        part = self.socket.recv(2**16)
        assert part, "the server has closed"
        self._answer += part
        head, _, body = self._answer.partition(b"\r\n\r\n")
        size = re.search(rb"(?i)content-length: (\d+)", head)
        if size is None or len(body) < int(size.group(1)):
            return None
        assert head.startswith(b"HTTP/1.1 200"), head
        return 1e3 * (time.perf_counter() - self._sent)


def asked(process: int, port: int, request: bytes, clients: int, count: int) -> Load:
    """Ask from so many connections, each the next request when the last one is answered."""
    taken: list[float] = []
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        connections = [Connection(port, request) for _ in range(min(clients, count))]
        started, before, own = time.perf_counter(), processor_seconds(process), time.process_time()
        for one in connections:
            stack.callback(one.socket.close)
            selector.register(one, selectors.EVENT_READ)
            one.ask()
        left = count - len(connections)
        while len(taken) < count:
            for key, _ in selector.select():
                connection = cast("Connection", key.fileobj)
                if (milliseconds := connection.read()) is None:
                    continue
                taken.append(milliseconds)
                if left:
                    left -= 1
                    connection.ask()
        seconds, spent = time.perf_counter() - started, processor_seconds(process) - before
        own = time.process_time() - own
    return Load(count / seconds, *np.percentile(taken, [50, 99]).tolist(), 1e3 * spent / count, 1e3 * own / count)


async def streamed(port: int, clip: np.ndarray, streams: int, seconds: float) -> tuple[int, float, float]:
    """Send 20 ms every 20 ms on so many streams.

    Returns:
        How many scores came, and the median and the largest of their delays in seconds, each counted from when the last
        sample of its window was sent.
    """
    from websockets.asyncio.client import connect  # noqa: PLC0415 - of the extra

    late: list[float] = []
    data = (np.resize(clip, round(seconds * RATE)) * 32767).astype("<i2")

    async def stream(number: int) -> None:
        await asyncio.sleep(number / streams)
        async with connect(
            f"ws://127.0.0.1:{port}/v1/stream", proxy=None, compression=None, ping_interval=None
        ) as opened:
            await opened.send('{"window": 1.0}')
            await opened.recv()
            began = time.perf_counter()
            sent: list[float] = []

            async def listen() -> None:
                async for message in opened:
                    told = json.loads(message)
                    if told["type"] == "scores" and told["end"] < seconds - 0.5:
                        late.append(time.perf_counter() - sent[round(told["end"] * 50) - 1])

            listening = asyncio.create_task(listen())
            for at in range(0, len(data), 320):
                await asyncio.sleep(max(0.0, began + (at + 320) / RATE - time.perf_counter()))
                sent.append(time.perf_counter())
                await opened.send(data[at : at + 320].tobytes())
            await opened.send('{"type": "end"}')
            await listening

    await asyncio.gather(*(stream(number) for number in range(streams)))
    return len(late), float(np.median(late)), max(late)


def resident_mb(process: int) -> float:
    """Return the resident memory of a process, in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
