# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs for people who work on the collection; none of them is part of the built collection."""
