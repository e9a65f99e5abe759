"""Augmentation: changes to what was recorded that leave it true, or correct what they make false.

Of batches while training (`images`), and of whole drives, into a copy of a dataset (`copying`).
"""

from loopyard.data.augment.settings import Augmentation

__all__ = ["Augmentation"]
