# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of an establishment from run to run: kept in SQLite, read as trend, drift and gaps."""
