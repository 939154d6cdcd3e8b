# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An attacker who tries passwords over real SSH, and what becomes of the accounts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from tests.support import lab
from tests.support.people import GOOD
from tools.lab.hosts import USER

_WRONG = "Nb5!wSq8?dLf"
_EARLY = 12
"""Seconds before the end of the lock at which it is tried once more; a login takes a few."""


@dataclass(frozen=True)
class Lockout:
    """What an attack on accounts of one host showed; in the order it happens."""

    wrong_tries: list[lab.Login]
    just_locked: lab.Login
    one_try_left: lab.Login
    other_account: lab.Login
    automation: lab.Output
    still_locked: lab.Login
    unlocked: lab.Login


def lockout(host: str, tries: int, delay: int) -> Lockout:
    """Attack two users and the automation account at once, then wait until the lock should end.

    :param tries: failures that lock an account.
    :param delay: seconds it then stays locked.
    """
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        lucky, victim, other = (stack.enter_context(lab.user(host, password=GOOD)) for _ in range(3))
        stack.callback(lab.root, host, ["faillock", "--user", USER, "--reset"])
        spared = pool.submit(_try, host, lucky, tries - 1)
        hammered = pool.submit(_try, host, USER, tries + 1)
        wrong_tries = _try(host, victim, tries)
        locked_at = time.monotonic()
        just_locked = lab.ssh_login(host, victim, GOOD)
        spared.result()
        one_try_left = lab.ssh_login(host, lucky, GOOD)
        other_account = lab.ssh_login(host, other, GOOD)
        hammered.result()
        automation = lab.ssh(host, "sudo -n id -un")
        _wait_until(locked_at + delay - _EARLY)
        still_locked = lab.ssh_login(host, victim, GOOD)
        _wait_until(locked_at + delay + 1)
        unlocked = lab.ssh_login(host, victim, GOOD)
    return Lockout(wrong_tries, just_locked, one_try_left, other_account, automation, still_locked, unlocked)


def _try(host: str, user: str, times: int) -> list[lab.Login]:
    return [lab.ssh_login(host, user, _WRONG) for _ in range(times)]


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


# --- from another host -----------------------------------------------------------------------------------------------

_ASKED = "/run/essms-test-askpass"
_ANSWER = '#!/bin/sh\necho "$ESSMS_PASSWORD"\n'
_ONCE = (
    *("-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
    *("-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=20"),
)


def log_in_from(other: str, address: str, user: str, password: str = _WRONG) -> lab.Login:
    """Try one password, the wrong one unless told otherwise, from another host of the lab."""
    told = [f"SSH_ASKPASS={_ASKED}", "SSH_ASKPASS_REQUIRE=force", f"ESSMS_PASSWORD={password}"]
    ready = f'cat > {_ASKED} && chmod 700 {_ASKED} && exec "$0" "$@" < /dev/null'
    argv = ["sh", "-c", ready, "env", *told, "timeout", "30", "ssh", *_ONCE, "-l", user, address, "echo inside"]
    done = lab.root(other, argv, stdin=_ANSWER)
    if "inside" in done.out:
        return lab.Login.ACCEPTED
    return lab.Login.REFUSED if "denied" in done.err else lab.Login.NO_ANSWER
