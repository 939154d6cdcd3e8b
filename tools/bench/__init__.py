# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench: what an audit, an apply and a rollback cost, measured on hosts of its own, printed as JSON."""
