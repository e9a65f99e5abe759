from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests import chat_service by its name

from chat_service import ChatService, Handler


@pytest.fixture
def service() -> Iterator[ChatService]:
    found = ChatService()
    handler = type("Handler", (Handler,), {"service": found})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    found.over.set()
    server.shutdown()
    thread.join()
    server.server_close()
