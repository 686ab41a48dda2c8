"""The desks of the house itself: people, jobs, the audit trail. Importing registers them."""

from giftops.admin import audit_trail, jobs, people, retired

__all__ = ["audit_trail", "jobs", "people", "retired"]
