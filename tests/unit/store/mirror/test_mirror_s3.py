"""The mirror over S3's protocol: what is sent, in which order, and what failures do."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loopyard.store.mirror import remote as remote_module
from loopyard.store.mirror.background import Mirror
from loopyard.store.mirror.restore import restore
from loopyard.store.mirror.send import Sender

PATIENCE_S = 300.0


def waited_for(there: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.02)


def url_of(tmp_path: Path) -> str:
    return f"s3://bucket/{tmp_path.name}/demo"


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_a_run_goes_there_and_comes_back(run, s3, tmp_path):
    url = url_of(tmp_path)
    sent = Sender(run, url).send()
    assert sent.complete
    restore(url, tmp_path / "back")
    wanted = files(run)
    for name in ("cycles/01/dataset/.cache/frames", "leases/run.1.json"):
        wanted.pop(name)
    back = files(tmp_path / "back")
    assert back.keys() == wanted.keys()
    database = "events.sqlite"
    assert {**back, database: b""} == {**wanted, database: b""}
    assert (tmp_path / "back/best").readlink() == Path("cycles/01/checkpoints/last")


def test_blobs_then_listings_then_pointers_and_nothing_twice(run, s3, tmp_path):
    url = url_of(tmp_path)
    Sender(run, url).send()
    first = list(s3.writes)
    for pointer in (path for path in first if path.endswith("latest.json")):
        listing = first[first.index(pointer) - 1]
        assert listing.rpartition("/")[0] == pointer.rpartition("/")[0]
    assert first[-1].endswith("/logs/run/latest.json")
    assert set(s3.writes.values()) == {1}
    weights = [path for path in first if "/blobs/" in path]
    assert len(weights) == Sender(run, f"{url}-again").send().blobs
    s3.writes.clear()
    assert Sender(run, url).send().blobs == 0
    assert not s3.writes


def test_what_the_store_refuses_in_the_middle_is_sent_later_and_only_that(run, s3, tmp_path):
    url = url_of(tmp_path)
    sender = Sender(run, url)
    s3.failing, s3.fail_after = "ExpiredToken", 5
    with pytest.raises(PermissionError):
        sender.send()
    there = {path for path in s3.writes if "/blobs/" in path}
    assert there
    s3.failing = None
    assert sender.send().complete
    assert {path: s3.writes[path] for path in there} == dict.fromkeys(there, 1)
    shutil.rmtree(run)
    restore(url, run)
    assert (run / "cycles/01/checkpoints/last/model.safetensors").read_text() == "weights"


def test_expired_credentials_pause_the_mirror_until_renewed(run, s3, tmp_path, finish_step):
    said: list[str] = []
    url = url_of(tmp_path)
    s3.failing = "ExpiredToken"
    mirror = Mirror(
        run, url, said.append, step_kind="step_done", look_every_s=0.05, pauses_s=(0.05, 0.2)
    )
    mirror.start()
    finish_step(run, "cycle-1/select")
    waited_for(lambda: bool(said))
    assert all("pauses for" in text and "PermissionError" in text for text in said)
    assert "token has expired" in said[0]
    s3.failing = None
    waited_for(lambda: "the mirror goes on" in said)
    assert mirror.close(PATIENCE_S)
    restore(url, tmp_path / "back")


def test_large_files_go_in_parts_and_a_changed_one_not_at_all(run, s3, tmp_path, monkeypatch):
    monkeypatch.setattr("loopyard.store.mirror.send.PIPED_BYTES", 1 << 20)
    monkeypatch.setattr(remote_module, "PIECE_BYTES", 1 << 20)
    big = run / "cycles/02/checkpoints/last/model.safetensors"
    big.parent.mkdir(parents=True)
    big.write_bytes(bytes(range(256)) * 4096 * 12)
    url = url_of(tmp_path)
    assert Sender(run, url).send().complete
    restore(url, tmp_path / "back")
    assert (tmp_path / "back" / big.relative_to(run)).read_bytes() == big.read_bytes()

    sender = Sender(run, url)
    sender.send()
    content = bytearray(big.read_bytes())
    content[0] ^= 1
    big.write_bytes(content)
    snapshot = sender._photographer.snapshot()
    content[1] ^= 1
    big.write_bytes(content)
    monkeypatch.setattr(sender._photographer, "snapshot", lambda: snapshot)
    s3.writes.clear()
    sent = sender.send()
    assert not sent.complete
    assert "model.safetensors: sha256: found" in sent.changed[0]
    assert not [path for path in s3.writes if "/checkpoints/02/" in path]
