"""The load: wrk on its own core, every answer counted, every refusal too."""

import subprocess
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.asks import Ask
from benchmarks.machine import cores, pinned
from benchmarks.servers import BUILD, Running

DONE = """
done = function(summary, latency, requests)
    local errors = summary.errors
    local lost = errors.connect + errors.read + errors.write + errors.timeout + errors.status
    io.write(string.format('\\n{"answers":%d,"microseconds":%d,"refused":%d,"p50":%d,"p99":%d}\\n',
        summary.requests, summary.duration, lost, latency:percentile(50), latency:percentile(99)))
end
"""


class Said(Struct, frozen=True):
    """What wrk says at its end; times in microseconds."""

    answers: int
    microseconds: int
    refused: int
    p50: float
    p99: float


class Measured(Struct, frozen=True):
    """One run of one load against one server."""

    rate: float
    """Answers per second."""
    p50: float
    """Milliseconds, as all that follow."""
    p99: float
    cpu: float
    """Microseconds of the server's processor time per answer: what others' work on the machine disturbs least."""


def measured(running: Running, ask: Ask, *, connections: int, seconds: int) -> Measured:
    """Ask the same thing over and over on so many connections. Raises AssertionError when anything is refused."""
    before = running.cpu()
    command = pinned(cores()[1], ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"])
    url = f"http://127.0.0.1:{running.port}{ask.path}"
    run = subprocess.run(
        [*command, "--timeout", "10s", "-s", str(_script(ask)), url], capture_output=True, check=True, text=True
    )
    spent = running.cpu() - before
    said = msgspec.json.decode(run.stdout.strip().splitlines()[-1], type=Said)
    if said.refused or not said.answers:
        message = f"{running.server.name}: {said.refused} of {said.answers} answers to {ask.name} were refusals"
        raise AssertionError(message)
    return Measured(
        rate=said.answers / said.microseconds * 1e6,
        p50=said.p50 / 1000,
        p99=said.p99 / 1000,
        cpu=spent / said.answers * 1e6,
    )


def _script(ask: Ask) -> Path:
    """The request as wrk wants it."""
    path = BUILD / f"{ask.name}.lua"
    headers = "".join(f'wrk.headers["{name}"] = [==[{value}]==]\n' for name, value in ask.headers.items())
    path.write_text(f'wrk.method = "POST"\n{headers}wrk.body = [==[{ask.body.decode()}]==]\n{DONE}', encoding="utf-8")
    return path
