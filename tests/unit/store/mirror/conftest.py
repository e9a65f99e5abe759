"""A small run folder, and a server that speaks S3 and can fail as the real one does."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loopyard.store.artifacts import seal
from loopyard.store.events import EventLog

FAILURES = {
    "ExpiredToken": (400, "The provided token has expired."),
    "AccessDenied": (403, "Access Denied"),
    "InternalError": (500, "We encountered an internal error. Please try again."),
}


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with one finished cycle, and text in place of data."""
    run = tmp_path / "runs/demo"
    cycle = run / "cycles/01"
    write(run / "campaign.yaml", "world: yard\n")
    write(run / "report/index.html", "<p>report")
    write(run / "leases/run.1.json", "{}")
    write(cycle / "dataset/data.parquet", "rows")
    write(cycle / "dataset/.cache/frames", "made anew")
    write(cycle / "scenarios.jsonl", "{}\n")
    write(cycle / "checkpoints/last/model.safetensors", "weights")
    write(cycle / "checkpoints/best/model.safetensors", "weights")
    write(cycle / "rollouts/select.jsonl", "{}\n")
    write(cycle / "rollouts/videos/a.mp4", "film")
    write(cycle / "lessons.md", "# Lessons")
    (run / "best").symlink_to("cycles/01/checkpoints/last")
    _finish(run, "train", cycle / "dataset", cycle / "checkpoints/last")
    return run


def _finish(run: Path, step: str, *made: Path) -> None:
    with EventLog(run / "events.sqlite") as log:
        artifacts = seal(run, made)
        log.append("step_done", step=step, key="k", facts={}, artifacts=artifacts, used_s=1.0)


@pytest.fixture
def finish_step() -> Callable[..., None]:
    """Notes a step as done: (run, step, *made)."""
    return _finish


class FaultyS3:
    """moto's server with a door before it. failing: the error code that every request gets after
    fail_after more writes, or None. writes: how often each object was put."""

    def __init__(self, url: str, app: Any) -> None:
        self.url, self._app = url, app
        self.failing: str | None = None
        self.fail_after = 0
        self.writes: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if self.failing and self.fail_after <= 0:
            status, message = FAILURES[self.failing]
            body = f"<Error><Code>{self.failing}</Code><Message>{message}</Message></Error>"
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
            start(f"{status} {self.failing}", headers)
            return [b"" if method == "HEAD" else body.encode()]
        if method == "PUT":
            self.fail_after -= 1
            self.writes[path] += 1
        return self._app(environ, start)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[FaultyS3]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    inner: Any = server._server
    faulty = FaultyS3(f"http://{host}:{port}", inner.app)
    inner.app = faulty
    yield faulty
    server.stop()


@pytest.fixture
def s3(s3_server: FaultyS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FaultyS3:
    """The server, well again, and credentials for it in the environment."""
    import boto3

    for name, value in (
        ("AWS_ENDPOINT_URL", s3_server.url),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", str(tmp_path / "none")),
        ("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none")),
        ("AWS_MAX_ATTEMPTS", "1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    s3_server.failing, s3_server.fail_after = None, 0
    boto3.client("s3").create_bucket(Bucket="bucket")
    s3_server.writes.clear()
    return s3_server
