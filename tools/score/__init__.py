# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scoreboard: what Lynis and OpenSCAP say of a fresh Debian 12 host before and after our apply."""
