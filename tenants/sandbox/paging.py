"""Cut one page out of a list, honestly or as an armed fault wants it."""

from collections.abc import Sequence

from tenants.sandbox.faults import Fault


def window(
    numbers: Sequence[int], start: int, size: int, fault: Fault | None = None
) -> tuple[Sequence[int], int]:
    """The row numbers of the page that begins at `start`, and the total the answer shall claim.

    Both vendors page by position, without snapshot or cursor; a row that vanishes between two pages moves
    the rest up by one. The list faults play exactly that, each page later by one more row.
    """
    total = len(numbers)
    kind = fault.kind if fault else ""
    page = start // size if size else 0
    if kind == "empty":
        return (), 0
    if kind == "half":
        total //= 2
        return numbers[start : min(start + size, total)], total
    if kind == "repeated_page":
        return numbers[max(0, start - size) : start], total
    if kind == "drift" and fault:
        gone = page * int(fault.value or 1)
        return numbers[max(0, start + gone) : max(0, start + gone + size)], max(0, total - gone)
    if kind == "silent_drift" and fault:
        gone = page
        stranger = (numbers[-1] if total else 0) + 1 - total
        swapped = fault.value == "swapped"
        picked = range(start + gone, min(start + size, total) + gone)
        return [
            numbers[at] if at < total else stranger + at if swapped else numbers[at - total] for at in picked
        ], total
    return numbers[start : start + size], total
