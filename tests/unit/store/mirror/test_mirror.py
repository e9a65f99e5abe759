"""The mirror without a network: where things lie, what comes back, what is refused, the thread."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loopyard.core.errors import ConfigError, StoreError
from loopyard.store.event_reader import read_events
from loopyard.store.events import EventLog
from loopyard.store.manifest import verify_manifest
from loopyard.store.mirror.background import LOOK_EVERY_S, Mirror, mirrored
from loopyard.store.mirror.layout import Listing, digest_of, pointer_bytes, shelf_of
from loopyard.store.mirror.remote import Remote, require_reachable
from loopyard.store.mirror.restore import restore
from loopyard.store.mirror.send import OtherRunError, Sender
from loopyard.surface.cli import main

PATIENCE_S = 120.0


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"file://{tmp_path}/mirror"


@pytest.fixture
def mirror(run: Path, tmp_path: Path, url: str) -> Path:
    """A mirror of the run, as a folder."""
    assert Sender(run, url).send().complete
    return tmp_path / "mirror"


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("cycles/03/dataset/data/chunk-000/file-000.parquet", "dataset/03"),
        ("cycles/03/recovery/meta/info.json", "dataset/03"),
        ("cycles/03/scenarios-expert.jsonl", "scenarios/03"),
        ("cycles/03/registry.json", "scenarios/03"),
        ("cycles/03/checkpoints/last/model.safetensors", "checkpoints/03"),
        ("cycles/03/rollouts/gate.jsonl", "rollouts/03"),
        ("cycles/03/rollouts/videos/a.mp4", "demo/03"),
        ("cycles/03/lessons.md", "lessons/03"),
        ("cycles/03/audit.json", "logs/03"),
        ("report/films/a.mp4", "reports/run"),
        ("lessons.md", "lessons/run"),
        ("events.sqlite", "logs/run"),
        ("campaign.yaml", "logs/run"),
    ],
)
def test_a_folder_per_kind_and_cycle(path, folder):
    assert shelf_of(path).folder == folder


def test_equal_content_lies_there_once(run, mirror):
    blobs = [path for path in (mirror / "blobs").rglob("*") if path.is_file()]
    assert len({path.name for path in blobs}) == len(blobs)
    assert sum(path.read_text(errors="ignore") == "weights" for path in blobs) == 1
    assert not [path for path in mirror.rglob("*") if path.name.startswith(".")]


def test_what_comes_back_is_the_run(run, mirror, url, tmp_path):
    back = tmp_path / "elsewhere/back"
    restore(url, back)
    verify_manifest(back / "cycles/01/dataset")
    assert read_events(back / "events.sqlite") == read_events(run / "events.sqlite")
    assert (back / "best/model.safetensors").read_text() == "weights"
    assert not list(back.parent.glob(".*"))


def test_the_log_is_copied_whole_while_it_is_written(run, url, tmp_path):
    with EventLog(run / "events.sqlite") as log:
        log.append("alive", used_s=2.0)
        Sender(run, url).send()
    restore(url, tmp_path / "back")
    assert read_events(tmp_path / "back/events.sqlite")[-1].kind == "alive"


def test_a_new_cycle_adds_only_what_is_new(run, mirror, url):
    sender = Sender(run, url)
    assert sender.send().blobs == 0
    more = run / "cycles/02/checkpoints/last/model.safetensors"
    more.parent.mkdir(parents=True)
    more.write_text("other weights")
    sent = sender.send()
    assert (sent.blobs, sent.shelves) == (1, 1)
    assert (mirror / "checkpoints/02/latest.json").is_file()


def test_a_damaged_file_does_not_replace_the_whole_one(run, mirror, url, tmp_path):
    (run / "cycles/01/dataset/data.parquet").write_text("rOws")
    shutil.rmtree(mirror / "blobs")
    shutil.rmtree(mirror / "dataset")
    sent = Sender(run, url).send()
    assert not sent.complete
    assert "data.parquet: sha256: found" in sent.changed[0]
    assert not (mirror / "dataset").exists()
    assert (mirror / "checkpoints/01/latest.json").exists()


@pytest.mark.parametrize("damage", [lambda p: p.write_text("cut"), Path.unlink])
def test_a_damaged_run_leaves_its_mirror_whole(run, mirror, url, tmp_path, damage):
    damage(run / "cycles/01/checkpoints/last/model.safetensors")
    assert Sender(run, url).send().blobs == 0
    restore(url, tmp_path / "back")
    verify_manifest(tmp_path / "back/cycles/01/checkpoints/last")


def test_a_log_that_grew_meanwhile_is_sent_as_it_was(run, url, tmp_path, monkeypatch):
    path = run / "cycles/01/checkpoints/log.jsonl"
    path.write_text("one\n")
    sender = Sender(run, url)
    snapshot = sender._photographer.snapshot()
    path.write_text("one\ntwo\n")
    monkeypatch.setattr(sender._photographer, "snapshot", lambda: snapshot)
    assert sender.send().complete
    restore(url, tmp_path / "back")
    assert (tmp_path / "back/cycles/01/checkpoints/log.jsonl").read_text() == "one\n"


def test_the_place_of_another_run_is_left_alone(run, mirror, url, tmp_path):
    other = tmp_path / "other"
    with EventLog(other / "events.sqlite") as log:
        log.append("step_done", step="measure", key="k", facts={}, used_s=9.0)
    before = sorted(mirror.rglob("*"))
    with pytest.raises(OtherRunError, match="run: found"):
        Sender(other, url).send()
    assert sorted(mirror.rglob("*")) == before


def _blob(mirror: Path, content: bytes) -> Path:
    files = (path for path in (mirror / "blobs").rglob("*") if path.is_file())
    return next(path for path in files if path.read_bytes() == content)


def hostile(mirror: Path, path: str = "x", links: dict[str, str] | None = None) -> None:
    """Another listing of the lessons, whose digests are right."""
    pointer = mirror / "lessons/01/latest.json"
    run = json.loads(pointer.read_text())["run"]
    blob = _blob(mirror, b"weights").name
    listing = Listing(run, {path: (blob, 7)}, links or {})
    digest = digest_of(listing.to_bytes())
    (pointer.parent / f"{digest}.json").write_bytes(listing.to_bytes())
    pointer.write_bytes(pointer_bytes(listing, digest))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda mirror: _blob(mirror, b"weights").write_bytes(b"wEights"),
            "content: found '7 other bytes'",
        ),
        (lambda mirror: _blob(mirror, b"weights").unlink(), "missing, but a listing names it"),
        (lambda mirror: shutil.rmtree(mirror), "mirror: found '0 runs'"),
        (lambda mirror: hostile(mirror, "../../secret"), "inside the folder"),
        (lambda mirror: hostile(mirror, "/etc/passwd"), "inside the folder"),
        (lambda mirror: hostile(mirror, links={"out": "../../secret"}), "a place in the run"),
        (lambda mirror: hostile(mirror, links={"out": "/etc"}), "a place in the run"),
        (
            lambda mirror: (mirror / "logs/run/latest.json").write_text("{}"),
            "expected a pointer",
        ),
    ],
)
def test_a_damaged_or_hostile_mirror_brings_nothing_back(mirror, url, tmp_path, damage, message):
    damage(mirror)
    with pytest.raises(StoreError, match=message):
        restore(url, tmp_path / "restored/back")
    assert not list((tmp_path / "restored").glob("*"))
    assert not list((tmp_path / "restored").glob(".*"))


def test_a_listing_that_was_altered_is_refused(mirror, url, tmp_path):
    pointer = json.loads((mirror / "lessons/01/latest.json").read_text())
    listing = mirror / f"lessons/01/{pointer['listing']}.json"
    listing.write_bytes(listing.read_bytes().replace(b"lessons.md", b"Lessons.md"))
    with pytest.raises(StoreError, match="sha256: found"):
        restore(url, tmp_path / "back")


def test_a_folder_with_something_in_it_is_not_overwritten(run, mirror, url):
    with pytest.raises(StoreError, match="expected nothing yet"):
        restore(url, run)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("bucket/prefix", "expected a URL such as"),
        ("s3://", "expected a URL such as"),
        ("nonsense://x", "expected a URL such as"),
        ("ftp://me:secret@host/x", r"ftp://\.\.\.@host/x', expected no credentials"),
    ],
)
def test_what_is_no_url_is_named_and_no_password_is_shown(url, message):
    with pytest.raises(ConfigError, match=message) as caught:
        require_reachable(url)
    assert "secret" not in str(caught.value)


def test_a_library_that_is_missing_is_named(monkeypatch):
    def missing(protocol: str) -> None:
        raise ImportError("Install gcsfs to access Google Storage")

    monkeypatch.setattr("fsspec.get_filesystem_class", missing)
    with pytest.raises(ConfigError, match=r"pip install 'loopyard\[gcs\]'"):
        require_reachable("gs://bucket/x")


def waited_for(there: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.01)


def test_the_thread_sends_after_each_step_and_the_rest_at_the_end(run, url, tmp_path, finish_step):
    said: list[str] = []
    mirror = tmp_path / "mirror"
    thread = Mirror(run, url, said.append, step_kind="step_done", look_every_s=0.01)
    thread.start()
    assert not mirror.exists()
    finish_step(run, "cycle-1/select")
    waited_for((mirror / "logs/run/latest.json").is_file)
    more = run / "cycles/02/lessons.md"
    more.parent.mkdir(parents=True)
    more.write_text("two")
    finish_step(run, "cycle-2/learn")
    waited_for((mirror / "lessons/02/latest.json").is_file)
    (run / "report/index.html").write_text("the last report")
    assert thread.close(PATIENCE_S)
    restore(url, tmp_path / "back")
    assert (tmp_path / "back/report/index.html").read_text() == "the last report"
    assert said == []


def test_outages_pause_it_longer_each_time_and_nobody_hears_an_error(
    run, url, monkeypatch, finish_step
):
    said: list[str] = []
    write, outages = Remote.write, [5]

    def write_or_fail(self, objects):
        if outages[0]:
            outages[0] -= 1
            raise OSError("no route to host")
        write(self, objects)

    monkeypatch.setattr(Remote, "write", write_or_fail)
    thread = Mirror(run, url, said.append, step_kind="step_done", pauses_s=(1e-3, 8e-3))
    pauses: list[float] = []
    wait = thread._end.wait
    monkeypatch.setattr(thread._end, "wait", lambda s: pauses.append(s) or wait(min(s, 0.01)))
    thread.start()
    finish_step(run, "cycle-1/select")
    waited_for(lambda: "the mirror goes on" in said)
    assert [pause for pause in pauses if pause < LOOK_EVERY_S][:5] == [1e-3, 2e-3, 4e-3, 8e-3, 8e-3]
    assert "OSError: no route to host" in said[0]
    assert thread.close(PATIENCE_S)


def test_an_end_during_an_outage_waits_for_nothing_and_says_so(run, url, monkeypatch, finish_step):
    def fail(self, objects):
        raise PermissionError("ExpiredToken")

    monkeypatch.setattr(Remote, "write", fail)
    said: list[str] = []
    with mirrored(run, url, said.append, step_kind="step_done", look_every_s=0.01):
        finish_step(run, "cycle-1/select")
        waited_for(lambda: bool(said))
    assert "pauses for 10 s: PermissionError: ExpiredToken" in said[0]
    assert "`loopyard mirror` sends it" in said[-1]


def test_without_a_url_or_a_finished_step_there_is_nothing_to_do(run, url, tmp_path):
    said: list[str] = []
    with mirrored(run, None, said.append, step_kind="step_done"):
        pass
    with mirrored(tmp_path / "never-begun", url, said.append, step_kind="step_done"):
        pass
    assert said == []
    assert not (tmp_path / "mirror").exists()


def test_a_run_that_is_not_this_commands_is_not_sent(run, url, tmp_path):
    with (
        pytest.raises(ConfigError),
        mirrored(run, url, print, step_kind="step_done", look_every_s=0.01),
    ):
        raise ConfigError("runs/demo: preset: found 'starter' of an earlier campaign")
    assert not (tmp_path / "mirror").exists()


def test_by_hand(run, url, tmp_path, capsys):
    assert main(["mirror", str(run), "--url", url]) == 0
    assert "files sent" in capsys.readouterr().out
    (run / "campaign.yaml").write_text(f"mirror: {{url: '{url}'}}\n")
    assert main(["mirror", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["blobs"] == 1
    back = tmp_path / "back"
    (run / "cycles/01/dataset/data.parquet").write_text("cut")
    assert main(["mirror", str(run), "--url", f"{url}-2"]) == 1
    assert "left out: " in capsys.readouterr().out
    assert main(["mirror", "--restore", url, str(back), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["damages"] == []


def test_by_hand_what_is_missing_is_named(run, url, tmp_path, capsys, monkeypatch):
    assert main(["mirror", str(run)]) == 2
    assert "campaign.yaml: mirror.url: found None, expected a URL, or --url" in (
        capsys.readouterr().err
    )
    assert main(["mirror", str(tmp_path), "--url", url]) == 2
    monkeypatch.setattr(Remote, "pointers", lambda self: (_ for _ in ()).throw(OSError("gone")))
    assert main(["mirror", str(run), "--url", url]) == 3
    assert "OSError: gone; run the same command again" in capsys.readouterr().err
