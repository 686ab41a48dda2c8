"""What every app needs kept: people, jobs, the audit trail, used tokens, who we are."""

from giftops.models.audit import AuditEntry, AuditHead
from giftops.models.guard import InstanceGuard
from giftops.models.job import Heartbeat, Job, PeriodicJob
from giftops.models.token import ActionToken
from giftops.models.user import User

__all__ = [
    "ActionToken",
    "AuditEntry",
    "AuditHead",
    "Heartbeat",
    "InstanceGuard",
    "Job",
    "PeriodicJob",
    "User",
]
