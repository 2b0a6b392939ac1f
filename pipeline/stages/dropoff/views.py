"""A page outcome as far as counting goes."""

from typing import NamedTuple


class CountedView(NamedTuple):
    """A view that counts, or corrects one. Times are ms.

    `forward_before` is what the corrected one said, None where it corrects nothing. `views` is 1 for
    a new attempt, 0 for a correction, −1 for one that is withdrawn.
    """

    time: int
    device: str
    forward_now: bool
    forward_before: bool | None
    views: int

    @property
    def change(self) -> int:
        """By how much the count of forward views moves."""
        return self.forward_now - bool(self.forward_before)
