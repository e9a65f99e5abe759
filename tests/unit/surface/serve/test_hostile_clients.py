"""Whatever a client sends, or does not read, it is told what is wrong and the others are served."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from telling import INTERFACE, LIMIT_S, SIZE, Raw, observation
from websockets.exceptions import ConnectionClosedError

from loopyard.core.clock import SystemClock
from loopyard.surface.serve.log import ClientLog
from loopyard.surface.serve.server import UNANSWERED, PolicyServer, ServerLimits
from loopyard.surface.serve.wire import array_of, pack, unpack

IMAGE, STATE = "observation.images.ego", "observation.state"


def without(key):
    return {name: value for name, value in observation().items() if name != key}


def image(*shape: int, dtype: type = np.uint8):
    return {IMAGE: np.zeros(shape, dtype)}


@pytest.mark.parametrize(
    ("obs", "said"),
    [
        (without(IMAGE), f"{IMAGE}: found \\['observation.state', 'task'\\], expected this too"),
        (without(STATE), f"{STATE}: found .* expected this too"),
        (without("task"), "task: found '', expected an instruction"),
        ({**observation(), "task": " \n"}, "task: found ' .*, expected an instruction"),
        ({**observation(), "task": 3}, "task: found 'int', expected a text"),
        (
            {**observation(), **image(SIZE, 2 * SIZE, 3)},
            r"\(8, 16, 3\) uint8', expected \(8, 8, 3\)",
        ),
        ({**observation(), **image(SIZE, SIZE, 4)}, r"\(8, 8, 4\) uint8'"),
        ({**observation(), **image(SIZE, SIZE, 3, dtype=np.float32)}, "float32', expected"),
        ({**observation(), STATE: np.zeros(3, np.float32)}, r"\(3,\) float32', expected \(2,\)"),
        ({**observation(), STATE: np.zeros(2, np.uint8)}, r"\(2,\) uint8', expected \(2,\) float"),
        (observation(y=float("nan")), r"observation.state\[1\]: found nan, expected a finite"),
        (observation(x=float("-inf")), r"observation.state\[0\]: found -inf, expected a finite"),
        ({**observation(), STATE: [1.0, 2.0]}, "found 'list', expected an array"),
        ({**observation(), STATE: {"dtype": "object"}}, r"found \['dtype'\], expected an array"),
        ([1, 2], "observation: found 'list', expected a map"),
        (None, "observation: found 'NoneType', expected a map"),
    ],
)
def test_what_is_wrong_is_named_and_the_robot_stands_still(served, obs, said):
    with Raw(served) as raw:
        raw.send(type="observe", seq=5, observation=obs)
        answer = raw.receive()
        assert (answer["seq"], answer["safe"], answer["kind"]) == (5, True, "malformed")
        assert array_of("t", "a", answer["action"]).tolist() == [0, 0, 0]
        with pytest.raises(AssertionError, match=said):
            raise AssertionError(answer["reason"])
        raw.observe(6)
        assert not raw.receive()["safe"]
    assert served.policy.sizes == [1]


@pytest.mark.parametrize("seq", [None, -1, "7", 1.5, True, 1 << 63])
def test_a_number_that_is_none_is_named(served, seq):
    with Raw(served) as raw:
        raw.observe(seq)
        answer = raw.receive()
        assert (answer["seq"], answer["safe"]) == (-1, True)
        assert answer["reason"].startswith("message: seq: found")


def test_random_and_damaged_frames_each_get_the_safe_action(served):
    rng = np.random.default_rng(0)
    whole = pack({"type": "observe", "seq": 1, "observation": observation()})
    patient = served.client()
    with Raw(served) as raw:
        raw.socket.send("a text")
        assert "message: frame" in raw.receive()["reason"]
        for number in range(300):
            frame = bytearray(whole)
            if number % 3 == 0:
                frame = bytearray(rng.bytes(int(rng.integers(0, 300))))
            elif number % 3 == 1:
                del frame[int(rng.integers(len(frame))) :]
            else:
                for place in rng.integers(len(frame), size=8):
                    frame[place] = rng.integers(256)
            raw.socket.send(bytes(frame))
            answer = raw.receive()
            assert answer["type"] == "action"
            if answer["safe"]:
                assert not array_of("t", "a", answer["action"]).any()
                assert " found " in answer["reason"]
                assert len(answer["reason"]) < 1_000
        raw.observe(2)
        assert not raw.receive()["safe"]
    assert patient.act(observation()).any()
    assert len([line for line in served.log if "stands still" in line]) == 1  # not one each


def test_a_huge_frame_ends_its_client_and_no_other(served):
    patient = served.client()
    with Raw(served) as raw:
        raw.socket.send(bytes(2 << 20))
        with pytest.raises(ConnectionClosedError, match="1009"):
            raw.receive()
    assert patient.act(observation()).any()


def test_our_own_client_does_not_send_a_huge_frame(served):
    client = served.client()
    obs = {**observation(), **image(1_000, 1_000, 3)}
    assert not client.act(obs).any()
    assert client.last is not None
    assert "frame: found '3000" in client.last.reason
    assert client.act(observation()).any()


def test_one_that_goes_in_the_middle_of_a_pass_leaves_no_trace(serve, policy):
    served = serve(policy)
    policy.gate.clear()
    with Raw(served) as raw, Raw(served) as waiting:
        raw.observe(1)
        assert policy.began.wait(LIMIT_S)
        waiting.observe(1)
    policy.gate.set()
    assert served.client().act(observation()).any()
    assert not any("failed" in line for line in served.log)


class Deaf:
    """A connection whose client sends without end and never reads."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.read = 0
        self.aborted = asyncio.Event()
        self.transport = self

    async def recv(self, *, decode: bool) -> bytes:
        self.read += 1
        return self.frame

    async def send(self, frame: bytes) -> None:
        await asyncio.Event().wait()

    def abort(self) -> None:
        self.aborted.set()


@pytest.mark.parametrize("frame", [b"nonsense", pack({"type": "metrics"})])
def test_of_one_that_does_not_read_no_more_is_read(policy, frame):
    async def converse() -> Deaf:
        server = PolicyServer(policy, INTERFACE, limits=ServerLimits(send_s=0.05))
        deaf = Deaf(frame)
        log = ClientLog(1, said.append, SystemClock())
        task = asyncio.create_task(server._converse(deaf, LIMIT_S, log))  # type: ignore[arg-type]
        await asyncio.wait_for(deaf.aborted.wait(), LIMIT_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return deaf

    said: list[str] = []
    assert asyncio.run(converse()).read == UNANSWERED
    assert "client 1 is too slow: an answer did not leave within 0.05 s" in said


def test_answers_are_small_so_that_eight_of_them_are(served):
    with Raw(served) as raw:
        raw.send(type="observe", seq=1, observation={"x" * 500 + str(n): n for n in range(100)})
        answer = raw.receive()
    assert len(pack(answer)) < 1_000
    assert unpack(pack(answer)) == answer
