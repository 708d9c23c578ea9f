"""A server in a process of its own that means harm: it notes every byte it is sent, and answers what it is told to.

As a proxy it is every host there is; with a certificate it speaks TLS. Run as a module, this is that process.
"""

import asyncio
import json
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Heard:
    """One request as it came; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: str

    @property
    def host(self) -> str:
        """Whom it was meant for, where this is a proxy; with the port, where there is one."""
        return self.target if self.method == "CONNECT" else urlsplit(self.target).netloc


def said(status: int = 200, body: object = None, **headers: str) -> dict[str, Any]:
    """An answer: JSON, and a cookie."""
    return {"status": status, "body": json.dumps({} if body is None else body), "headers": headers}


class HostileServer:
    """A context manager.

    Args:
        folder: of its own.
        certificate: a PEM file with key and certificates.
    """

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        self._heard, self._answers = folder / "heard", folder / "answers"
        self._heard.touch()
        self._arguments = [str(self._heard), str(self._answers), *([str(certificate)] if certificate else [])]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *self._arguments], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def answers(self, answers: dict[str, dict[str, Any]]) -> None:
        """What it says to targets that begin so, the longest first; forgets what it heard.

        Anything else is answered with a success, and a tunnel refused.
        """
        self._answers.write_text(json.dumps({"": said()} | answers))
        self._heard.write_text("")

    def heard(self) -> list[Heard]:
        """Every request since it was told what to answer."""
        return [Heard(**json.loads(line)) for line in self._heard.read_text().splitlines()]


async def serve(heard: str, answers: str, certificate: str = "") -> None:
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await _read(reader)
                with Path(heard).open("a") as notes:
                    notes.write(json.dumps(request) + "\n")
                if request["method"] == "CONNECT":
                    writer.write(b"HTTP/1.1 502 No tunnel\r\nContent-Length: 0\r\n\r\n")
                else:
                    writer.write(_answer(json.loads(Path(answers).read_text()), request["target"]))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _read(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
    body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode("latin-1")
    return {"method": method, "target": target, "headers": headers, "body": body}


def _answer(answers: dict[str, dict[str, Any]], target: str) -> bytes:
    answer = answers[max((start for start in answers if target.startswith(start)), key=len)]
    body = answer["body"].encode()
    headers = {"Content-Type": "application/json", "Set-Cookie": "follow=me", "Content-Length": str(len(body))}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in (headers | answer["headers"]).items()]
    return f"HTTP/1.1 {answer['status']} Whatever\r\n{''.join(lines)}\r\n".encode("latin-1") + body


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
