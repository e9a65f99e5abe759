"""A chat service on this machine: Discord's webhook and channel API and Slack's webhook."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "s3cr3t-token-of-the-webhook"
DISCORD = f"/api/webhooks/123456789012345678/{TOKEN}"
CHANNEL = "/channels/223456789012345678/messages"
SLACK = f"/services/T00000000/B00000000/{TOKEN}"


@dataclass
class Trouble:
    """One answer that is no success. hang: until the service ends, after the message is stored."""

    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False


@dataclass
class ChatService:
    """What arrived, and what goes wrong next. per_window: requests a window of window_s seconds."""

    arrived: list[dict[str, Any]] = field(default_factory=list)
    tries: list[tuple[str, float]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    per_window: int = 1000
    window_s: float = 0.3
    windows: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)
    port: int = 0

    def url(self, path: str = DISCORD) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def texts(self) -> list[str]:
        return [one["content"] if "content" in one else one["text"] for one in self.arrived]

    def wait_for(self, condition, timeout_s: float = 20.0) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout_s), (self.texts, self.tries)

    def take(self, handler: BaseHTTPRequestHandler) -> Trouble | None:
        """Store one request; what is wrong with it, if anything."""
        url = urlsplit(handler.path)
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self.changed:
            self.tries.append((url.path, time.monotonic()))
            trouble = self._wrong(url.path, handler, body) or self._limited()
            if trouble is None and self.troubles:
                trouble = self.troubles.pop(0)
            if trouble is None or trouble.hang or trouble.drop:
                self.arrived.append({**body, "wait": "wait" in parse_qs(url.query)})
            self.changed.notify_all()
        return trouble

    def _wrong(self, path: str, handler: BaseHTTPRequestHandler, body: Any) -> Trouble | None:
        if path == CHANNEL and handler.headers.get("Authorization") != f"Bot {TOKEN}":
            return Trouble(401, {"message": "401: Unauthorized", "code": 0})
        if path == SLACK:
            return None if body.get("text") else Trouble(400, "no_text")
        if path not in (DISCORD, CHANNEL):
            return Trouble(404, {"message": "Unknown Webhook", "code": 10015})
        if not 0 < len(body.get("content", "")) <= 2000:
            return Trouble(400, {"message": "Invalid Form Body", "code": 50035})
        return None

    def _limited(self) -> Trouble | None:
        now_s = time.monotonic()
        self.windows = [at for at in self.windows if now_s - at < self.window_s]
        if len(self.windows) < self.per_window:
            self.windows.append(now_s)
            return None
        left_s = self.window_s - (now_s - self.windows[0])
        body = {"message": "You are being rate limited.", "retry_after": left_s, "global": False}
        return Trouble(429, body, {"Retry-After": str(int(left_s))})


class Handler(BaseHTTPRequestHandler):
    service: ChatService

    def do_POST(self) -> None:
        trouble = self.service.take(self)
        if trouble is not None and trouble.hang:
            self.service.over.wait(60.0)
        if trouble is not None and (trouble.drop or trouble.hang):
            self.close_connection = True
            return
        slack = self.path == SLACK
        if trouble is None:
            trouble = Trouble(200, "ok" if slack else {"id": "1", "content": "..."})
        text = trouble.body if isinstance(trouble.body, str) else json.dumps(trouble.body)
        self.send_response(trouble.status)
        kind = "text/plain" if isinstance(trouble.body, str) else "application/json"
        for name, value in {"Content-Type": kind, **trouble.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass
