"""`loopyard serve`: what it refuses before it listens."""

from __future__ import annotations

import json

import pytest

from loopyard.core.errors import ConfigError
from loopyard.surface import cli
from loopyard.surface.commands.serve import _placed
from loopyard.surface.serve.wire import TOKEN


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "robot.local", ""])
def test_without_a_token_it_is_for_this_machine_alone(host, capsys):
    assert cli.main(["serve", "runs/none", "--host", host]) == 2
    said = f"serve: --host: found '{host}', expected 127.0.0.1, or a token in the environment"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("token", ["", "short", "with a space in the middle", "ü" * 20])
def test_a_token_that_is_none_is_refused_and_not_repeated(token, monkeypatch, capsys):
    monkeypatch.setenv(TOKEN, token)
    assert cli.main(["serve", "runs/none"]) == 2
    error = capsys.readouterr().err
    assert f"serve: {TOKEN}: found '{len(token)} characters', expected at least 16" in error
    assert not token or token not in error


def test_a_gpu_is_used_where_there_is_one_and_the_policy_can_go_there(monkeypatch):
    class Movable:
        device = "cpu"

        def to(self, device: str) -> Movable:
            self.device = device
            return self

    class Fixed:
        device = "cpu"

    for there, asked, made, wanted in (
        (True, "auto", Movable, "cuda"),
        (True, "cuda", Movable, "cuda"),
        (True, "cpu", Movable, "cpu"),
        (True, "auto", Fixed, "cpu"),
        (False, "auto", Movable, "cpu"),
    ):
        monkeypatch.setattr("torch.cuda.is_available", lambda there=there: there)
        assert _placed(made(), asked).device == wanted  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="--device cuda: found 'no GPU'"):
        _placed(Movable(), "cuda")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs/none"], "runs/none: folder: found 'nothing', expected a checkpoint folder"),
        (["zero"], "zero: checkpoint: found 'ZeroPolicy', expected a checkpoint, which says which"),
        (["zero", "--port", "-1"], "serve: --port: found -1, expected 0 to 65535"),
        (["zero", "--port", "70000"], "serve: --port: found 70000, expected 0 to 65535"),
        (["zero", "--max-batch", "0"], "serve: --max-batch: found 0, expected 1 or more"),
        (["zero", "--fps", "0"], "serve: --fps: found 0, expected 1 or more"),
    ],
)
def test_wrong_use_is_named(words, said, capsys):
    assert cli.main(["serve", *words, "--json"]) == 2
    out = capsys.readouterr()
    assert said in out.err
    assert said in json.loads(out.out)["error"]["message"]
