# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of one establishment and the overview of all: self-contained HTML made from results and history."""
