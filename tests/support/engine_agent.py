# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The far end of `tests.support.engine`: one process on a host answers many requests, so that each costs milliseconds.

A request is a line of JSON, ``{"engine": {…}}`` or ``{"argv": […], "stdin": text, "timeout": seconds}``; the answer is
a line ``[code, out, err]``. Each run of the engine is a process of its own, which a hook may kill.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TextIO

Answer = tuple[int, str, str]
Plant = Callable[[Mapping[str, Any], list[dict[str, Any]]], None]


def serve(engine: Mapping[str, Any], plant: Plant) -> None:
    """Answer until standard input is closed.

    :param engine: modules of the engine by name; ``engine["run"].run`` answers a request.
    :param plant: function of (engine, hooks) that plants the hooks of a request.
    """
    for line in sys.stdin:
        asked = json.loads(line)
        answer = _engine(engine, plant, asked["engine"]) if "engine" in asked else _command(asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def answer_one(engine: Mapping[str, Any], plant: Plant) -> None:
    """Answer the one request on standard input, in this process: what a run over SSH needs."""
    request = json.load(sys.stdin)
    plant(engine, request.pop("hooks", []))
    print(json.dumps(engine["run"].run(request)))


def _command(asked: Mapping[str, Any]) -> Answer:
    try:
        done = subprocess.run(
            asked["argv"], input=asked["stdin"], capture_output=True, text=True, timeout=asked["timeout"], check=False
        )
    except subprocess.TimeoutExpired:
        return 124, "", "it did not end in time"
    except OSError as error:
        return 127, "", str(error)
    return done.returncode, done.stdout, done.stderr


def _engine(engine: Mapping[str, Any], plant: Plant, request: dict[str, Any]) -> Answer:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(err.fileno(), 2)
            _run_and_leave(engine, plant, request, out)
        _pid, status = os.waitpid(child, 0)
        code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read()


def _run_and_leave(engine: Mapping[str, Any], plant: Plant, request: dict[str, Any], out: TextIO) -> None:
    code = 1
    try:
        plant(engine, request.pop("hooks", []))
        json.dump(engine["run"].run(request), out)
        out.flush()
        code = 0
    except Exception:  # noqa: BLE001 - the traceback is the answer
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)
