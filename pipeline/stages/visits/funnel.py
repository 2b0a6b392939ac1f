"""A declared funnel: the steps that lead to the goal, in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Funnel:
    """Steps (page templates or event names), earliest first; no steps: nothing is declared."""

    steps: tuple[str, ...] = ()
    _rank: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rank", {step: n for n, step in enumerate(self.steps)})

    def __contains__(self, step: str) -> bool:
        return step in self._rank

    def forward(self, page: str, step: str) -> bool:
        """Whether going from `page` to `step` is progress."""
        return page in self._rank and self._rank.get(step, -1) > self._rank[page]

    def outcome(self, page: str, steps: Sequence[str]) -> bool | None:
        """True or False for a declared page but the last; None where there is nothing to say."""
        if page not in self._rank or page == self.steps[-1]:
            return None
        return any(self.forward(page, step) for step in steps)


def parse(text: str) -> Funnel:
    """`/cart > /checkout > Order Completed` → its Funnel; "" → the empty one."""
    return Funnel(tuple(step for name in text.split(">") if (step := name.strip())))
