"""An audit as one HTML file that opens offline."""

from loopyard.surface.audit_page.page import write_audit_page

__all__ = ["write_audit_page"]
