"""Health check for containers, which have no curl: `python -m pipeline.web.probe PORT`."""

import http.client
import sys

SECONDS = 3


def ready(port: int) -> bool:
    """Whether the process on this port of this machine says that it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready(int(sys.argv[1])) else 1)
