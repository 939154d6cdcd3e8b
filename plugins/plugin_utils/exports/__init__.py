# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same results in the formats of other tools; each module makes the text of a file from a document."""
