"""Pages in a headless Chromium, driven over the DevTools protocol.

Owns the browser process, which can resolve no name and so reach only this machine. A page has storage of its own and
notes every address it asks for and every complaint it makes.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PATIENCE_SECONDS = 30

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1440,900",
)


def executable() -> str | None:
    """Where a Chromium is on this machine, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


class Page:
    """One tab. ``requested`` and ``complaints`` grow while it lives."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._session: str | None = None
        self.requested: list[str] = []
        self.complaints: list[str] = []

    async def start(self) -> None:
        context = await self.send("Target.createBrowserContext", disposeOnDetach=True)
        target = await self.send("Target.createTarget", url="about:blank", **context)
        session = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = session["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.send(f"{domain}.enable")

    async def open(self, url: str) -> None:
        await self.send("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression; promises are awaited."""
        answer = await self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Returns once a JavaScript condition holds; it is looked at before every frame."""
        look = f"const look = () => ({condition}) ? done() : requestAnimationFrame(look); look();"
        try:
            await self.evaluate(f"new Promise(done => {{ {look} }})")
        except TimeoutError:
            text = await self.evaluate("document.body.innerText")
            raise AssertionError(f"never came true: {condition}\n{text}\n{self.complaints}") from None

    async def click(self, selector: str) -> None:
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    async def type_into(self, selector: str, text: str) -> None:
        """Replaces what a field holds, as a person pasting would."""
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        await self.send("Input.insertText", text=text)

    async def send(self, method: str, **params: Any) -> Any:
        """One command and its result. Raises TimeoutError after ``PATIENCE_SECONDS``."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps(message))
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._waiting[number]
        finally:
            del self._waiting[number]

    async def listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._answered(message)
            else:
                self._happened(message["method"], message["params"])

    def _answered(self, message: dict[str, Any]) -> None:
        waiting = self._waiting.get(message["id"])
        if waiting is None or waiting.done():
            return
        if "error" in message:
            waiting.set_exception(RuntimeError(message["error"]["message"]))
        else:
            waiting.set_result(message["result"])

    def _happened(self, event: str, params: dict[str, Any]) -> None:
        match event:
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(params["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")


@asynccontextmanager
async def chromium(program: str, profile: Path) -> AsyncIterator[str]:
    """A fresh browser with its profile in that folder, and the address it is driven at; ended with the block."""
    arguments = (*_ARGUMENTS, f"--user-data-dir={profile}")
    process = await asyncio.create_subprocess_exec(program, *arguments, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            address = await _address(process.stderr)
        drain = asyncio.create_task(process.stderr.read())  # a full pipe would stop the browser
        yield address
        process.terminate()
        await drain
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def blank_page(address: str) -> AsyncIterator[Page]:
    """A page that shares nothing with the browser's other pages, closed with the block."""
    async with connect(address, max_size=None) as socket:
        page = Page(socket)
        listening = asyncio.create_task(page.listen())
        await page.start()
        yield page
    await listening  # ends with its socket


async def _address(stderr: asyncio.StreamReader) -> str:
    async for line in stderr:
        if line.startswith(b"DevTools listening on "):
            return line.split()[-1].decode()
    raise RuntimeError("Chromium ended before it listened")
