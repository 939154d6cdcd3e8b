# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: real Debian hosts (systemd containers reached over SSH) on which every control is proven.

Standard library only, so that it works before the virtual environment exists: ``python3 -m tools.lab up``.
"""
