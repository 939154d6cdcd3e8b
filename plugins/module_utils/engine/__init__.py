# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings engine: observe, apply in a transaction, guard access, put back. Standard library only."""
