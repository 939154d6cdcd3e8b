# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An establishment as its folder describes it: identity, waivers, registers, decisions, and what is wrong with them."""
