"""Puts the worker's web application on its port."""

from aiohttp import web

from pipeline.errors import BadSetting

_SHUTDOWN_SECONDS = 2.0


async def serve(application: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen; close with the runner's `cleanup`. Raises BadSetting where the port is taken."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise BadSetting(
            f"The worker cannot listen on {host}:{port}: {error.strerror}. Set "
            f"FOOTFALL_WORKER_PORT, or stop what listens there."
        ) from error
    return runner
