"""May this dataset be trained on? A verdict with its reasons."""

from loopyard.data.audit.auditor import audit
from loopyard.data.audit.remembered import remembered_audit
from loopyard.data.audit.report import AuditReport, Check
from loopyard.data.audit.thresholds import Thresholds

__all__ = ["AuditReport", "Check", "Thresholds", "audit", "remembered_audit"]
