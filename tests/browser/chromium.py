"""A real Chromium, headless, driven over its DevTools protocol."""

import asyncio
import itertools
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import aiohttp
import pytest

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
browser = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium (Debian: chromium)"),
]
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)


@contextmanager
def chromium(profile: Path) -> Iterator[str]:
    """Start Chromium with an empty profile; yields its DevTools address; ends it."""
    assert PROGRAM
    command = [PROGRAM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _address(profile / "DevToolsActivePort", process)
    finally:
        process.terminate()
        process.wait(20)


def _address(announced: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = monotonic() + 20
    while not (announced.exists() and announced.read_text().count("\n") == 1):
        assert process.poll() is None, "Chromium ended"
        assert monotonic() < deadline, "Chromium did not start"
        sleep(0.05)
    port, path = announced.read_text().split("\n")
    return f"ws://127.0.0.1:{port}{path}"


class Devtools:
    """One connection; commands by session, answers matched by id."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._ids = socket, itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            told = message.json()
            asked = self._asked.pop(told.get("id"), None)
            if asked is not None and not asked.done():
                asked.set_result(told)

    async def call(self, method: str, session: str | None = None, **params: Any) -> Any:
        """The result of one command."""
        number = next(self._ids)
        self._asked[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "method": method, "params": params}
        await self._socket.send_json(command | ({"sessionId": session} if session else {}))
        told = await asyncio.wait_for(self._asked[number], 20)
        assert "error" not in told, (method, told["error"])
        return told["result"]

    def stop(self) -> None:
        """Read no more."""
        self._reader.cancel()


class Tab:
    """One tab."""

    def __init__(self, devtools: Devtools, target: str, session: str) -> None:
        self._devtools, self.target, self._session = devtools, target, session

    async def call(self, method: str, **params: Any) -> Any:
        """A command to this tab."""
        return await self._devtools.call(method, self._session, **params)

    async def run(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        done = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is true in the page; a page that is just changing is not."""
        deadline = monotonic() + 10
        while True:
            try:
                if await self.run(f"!!({script})"):
                    return
            except AssertionError:
                if monotonic() > deadline:
                    raise
            assert monotonic() < deadline, script
            await asyncio.sleep(0.02)

    async def open(self, url: str) -> None:
        """Go to a page, wait until it and the snippet are there."""
        await self.call("Page.navigate", url=url)
        await self.until(
            f"location.href === {url!r} && document.readyState === 'complete'"
            " && window.footfall && footfall.loaded === true"
        )

    async def click(self, selector: str, times: int = 1) -> None:
        """Click in the middle of an element, as a mouse does."""
        x, y = await self.run(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        for kind in ["mousePressed", "mouseReleased"] * times:
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def offline(self, cut: bool) -> None:
        """Take this tab's network away, or give it back."""
        await self.call(
            "Network.emulateNetworkConditions",
            offline=cut,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    async def close(self) -> None:
        """Close it as a person does: its handlers run."""
        await self.call("Page.close")


class Visitor:
    """A browser profile of its own: its tabs share cookies and storage."""

    def __init__(self, devtools: Devtools, context: str) -> None:
        self._devtools, self._context = devtools, context

    async def tab(self) -> Tab:
        """A new tab, empty."""
        call = self._devtools.call
        made = await call("Target.createTarget", url="about:blank", browserContextId=self._context)
        target = made["targetId"]
        attached = await call("Target.attachToTarget", targetId=target, flatten=True)
        tab = Tab(self._devtools, target, attached["sessionId"])
        await tab.call("Page.enable")
        await tab.call("Network.enable")
        await tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
        return tab

    async def cookies(self) -> list[dict[str, Any]]:
        """Every cookie of the profile."""
        told = await self._devtools.call("Storage.getCookies", browserContextId=self._context)
        cookies: list[dict[str, Any]] = told["cookies"]
        return cookies


@asynccontextmanager
async def visitor(address: str) -> AsyncIterator[Visitor]:
    """A new profile, forgotten afterwards."""
    async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
        devtools = Devtools(socket)
        context = (await devtools.call("Target.createBrowserContext"))["browserContextId"]
        yield Visitor(devtools, context)
        await devtools.call("Target.disposeBrowserContext", browserContextId=context)
        devtools.stop()
