"""The proof of a policy that is told what to do, as one HTML file that opens offline."""

from loopyard.surface.proof_page.page import write_proof_page

__all__ = ["write_proof_page"]
