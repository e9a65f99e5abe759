"""One POST to a chat service, and what its answer means for the message.

What is certain to have gone wrong before the message was taken may be tried again; where that is
not certain, it may have arrived, and is not sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, Literal

from loopyard import __version__

if TYPE_CHECKING:
    import httpx

CONNECT_S, READ_S = 5.0, 10.0
LEAST_SECRET = 8
"""Parts of an address that are shorter, such as ``api``, are none."""
TRIED_AGAIN = (500, 502, 503)
"""Answers by which both services say that they did not take the message. Of 504 and the rest that
is not known: the service behind the gateway may be at work on it."""
CLOSED = (401, 403, 404, 405, 410)
"""Nothing will be taken under this address; to go on asking gets the asker banned."""


@dataclass(frozen=True)
class Answer:
    """What became of a message.

    what: sent; later (not taken, may be tried again); rejected (this message is not wanted);
    closed (no message is wanted here any more); unknown (it may have arrived). wait_s: for so long
    nothing is to be sent, as the service asks. reason: for a person, without the address.
    """

    what: Literal["sent", "later", "rejected", "closed", "unknown"]
    reason: str = ""
    wait_s: float = 0.0


class Webhook:
    """An address that takes JSON. It is a secret, and kept out of logs, errors and ``repr``."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        import httpx

        self._url = httpx.URL(url)
        self._secrets = [part for part in self._url.path.split("/") if len(part) >= LEAST_SECRET]
        headers = {"User-Agent": f"loopyard/{__version__}", **(headers or {})}
        # A connection that was kept open may be closed by the other side just as it is used,
        # and then nobody knows whether the message arrived: each gets one of its own.
        self._client = httpx.Client(
            headers=headers,
            verify=_tls(),
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._log = logging.getLogger("httpx")  # it names the address of each request
        self._log.addFilter(self._is_not_ours)

    def close(self) -> None:
        self._client.close()
        self._log.removeFilter(self._is_not_ours)

    def post(self, payload: dict[str, Any]) -> Answer:
        """Send once; never raises for what the other side or the network does."""
        import httpx

        try:
            response = self._client.post(self._url, json=payload)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as e:
            return Answer("later", f"no connection ({type(e).__name__})")
        except httpx.HTTPError as error:
            return Answer("unknown", f"no answer ({type(error).__name__}); it may have arrived")
        answer = _meaning(response)
        reason = answer.reason
        for secret in self._secrets:  # a proxy may name the address in its complaint
            reason = reason.replace(secret, "***")
        return replace(answer, reason=reason)

    def _is_not_ours(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return not any(secret in text for secret in self._secrets)


@cache
def _tls() -> SSLContext:
    """The certificates that are trusted, read once."""
    import httpx

    return httpx.create_ssl_context()


def _meaning(response: httpx.Response) -> Answer:
    status = response.status_code
    reason = f"HTTP {status}{_complaint(response)}"
    if response.is_success:
        return Answer("sent", wait_s=_exhausted_s(response))
    if status == 429:
        return Answer("later", reason, wait_s=_retry_after_s(response) or 1.0)
    if status in TRIED_AGAIN:
        return Answer("later", reason, wait_s=_retry_after_s(response))
    if status in CLOSED:
        return Answer("closed", reason)
    if status >= 500:
        return Answer("unknown", f"{reason}; it may have arrived")
    return Answer("rejected", reason)


def _retry_after_s(response: httpx.Response) -> float:
    """The longest that header and JSON body ask for; 0 where they do not."""
    return max(_header_s(response), _number(_json(response).get("retry_after")))


def _header_s(response: httpx.Response) -> float:
    """``Retry-After``: seconds, or a date (RFC 9110, 10.2.3)."""
    text = response.headers.get("Retry-After", "")
    if seconds := _number(text):
        return seconds
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _exhausted_s(response: httpx.Response) -> float:
    """Until when Discord's bucket of requests is empty, where this one took its last."""
    if response.headers.get("X-RateLimit-Remaining") != "0":
        return 0.0
    return _number(response.headers.get("X-RateLimit-Reset-After"))


def _complaint(response: httpx.Response) -> str:
    """Discord's ``message``, or Slack's one word."""
    text = str(_json(response).get("message", ""))
    if not text and response.headers.get("Content-Type", "").startswith("text/plain"):
        text = response.text
    return f": {text[:100]}" if text else ""


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return 0.0
    return found if 0.0 < found < float("inf") else 0.0
