"""Servers that say what a test puts into their mouths: with manners (`speaking`), and without any (`blunt`)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.stage import listening


@dataclass
class Mouth:
    """A server's answers, first come first served, and the requests it heard."""

    origin: str = ""
    answers: list[Response] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)

    def say(self, *answers: Response | dict[str, Any]) -> None:
        self.answers += [each if isinstance(each, Response) else JSONResponse(each) for each in answers]

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        self.heard.append(
            {
                "method": request.method,
                "path": request.scope["raw_path"].decode(),
                "query": dict(request.query_params),
                "headers": dict(request.headers),
                "body": body.decode(),
            }
        )
        return self.answers.pop(0)

    async def endpoints(self, _request: Request) -> Response:
        names = ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint")
        return JSONResponse({name: f"{self.origin}/oauth/{name}" for name in names})


@asynccontextmanager
async def speaking() -> AsyncIterator[Mouth]:
    mouth = Mouth()
    routes = [
        Route("/.well-known/openid-configuration", mouth.endpoints),
        Route("/{rest:path}", mouth.answer, methods=["GET", "POST", "PUT", "DELETE"]),
    ]
    async with listening(Starlette(routes=routes)) as mouth.origin:
        yield mouth


@asynccontextmanager
async def blunt(answer: bytes | None) -> AsyncIterator[str]:
    """The origin of a server that says these bytes to whoever asks and hangs up; None: it keeps silent."""
    silence = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            await silence.wait()
        else:
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    silence.set()
    server.close()
    await server.wait_closed()
