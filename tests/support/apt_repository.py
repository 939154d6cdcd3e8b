# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small repositories for apt, made here byte by byte and signed with a key of their own."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

DAY = 86400


def package(name: str, version: str, depends: str = "") -> bytes:
    """Return a binary package that holds nothing but its own description."""
    fields = {
        "Package": name,
        "Version": version,
        "Architecture": "all",
        "Maintainer": "Lab <lab@example.invalid>",
        **({"Depends": depends} if depends else {}),
        "Description": "package of a test",
    }
    control = "".join(f"{key}: {value}\n" for key, value in fields.items())
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"./control": control.encode()}),
        "data.tar.gz": _tar({}),
    }
    return b"!<arch>\n" + b"".join(_member(name, data) for name, data in members.items())


def _member(name: str, data: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
    return header + data + b"\n" * (len(data) % 2)


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def repository(
    packages: Mapping[str, str], *, suite: str, origin: str, label: str, days_old: float = 0, key: Path | None = None
) -> dict[str, bytes]:
    """Return the files of a repository with one suite, by their path in it.

    :param packages: version of each package.
    :param days_old: age of the date it claims.
    :param key: home of the key that signs it (`signing_key`); unsigned without one.
    """
    files: dict[str, bytes] = {}
    index = ""
    for name, version in packages.items():
        data = package(name, version)
        path = f"pool/{name}_{version}_all.deb"
        files[path] = data
        index += (
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Lab <lab@example.invalid>\n"
            f"Filename: {path}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
            "Description: package of a test\n\n"
        )
    lists = index.encode()
    release = (
        f"Origin: {origin}\nLabel: {label}\nSuite: {suite}\nCodename: {suite}\n"
        f"Date: {formatdate(time.time() - days_old * DAY).replace('-0000', 'UTC')}\n"
        "Architectures: all amd64 arm64\nComponents: main\n"
        f"SHA256:\n {hashlib.sha256(lists).hexdigest()} {len(lists)} main/binary-all/Packages\n"
    )
    folder = f"dists/{suite}"
    files[f"{folder}/main/binary-all/Packages"] = lists
    files[f"{folder}/Release"] = release.encode()
    if key is not None:
        files[f"{folder}/InRelease"] = _gpg(key, "--clearsign", given=release.encode())
    return files


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return files as a tar archive, to be unpacked on a host."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@contextmanager
def signing_key() -> Iterator[tuple[Path, bytes]]:
    """Give the home of a new signing key, and its public half."""
    with tempfile.TemporaryDirectory(prefix="essms-key-") as folder:
        home = Path(folder)
        home.chmod(0o700)
        _gpg(home, "--passphrase", "", "--quick-generate-key", "Lab <lab@example.invalid>", "rsa3072", "sign", "1d")
        try:
            yield home, _gpg(home, "--export")
        finally:
            subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False, capture_output=True)


def _gpg(home: Path, *options: str, given: bytes = b"") -> bytes:
    argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", *options]
    return subprocess.run(
        argv, input=given, check=True, capture_output=True, timeout=120, env={"PATH": os.defpath}
    ).stdout
