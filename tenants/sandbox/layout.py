"""Where a person's rows stand in the two lists: the stories laid over blocks of people, by arithmetic
alone.
"""

import random
from collections.abc import Iterator

from tenants.sandbox.stories import BLOCK, BY_NAME, STORIES, Cx, Rc, Story

SIDES = ("cxone", "ringcentral")
Place = tuple[int, int, Story, "Cx | Rc"]  # slot in the block, part of the story, the story, the row's plan


class Layout:
    """Row number ↔ (person, part), for one side of one company."""

    def __init__(self, stories: list[Story], people: int, side: str) -> None:
        self.places: list[Place] = [
            (slot, part, story, plan)
            for slot, story in enumerate(stories)
            for part, plan in enumerate(getattr(story, side))
        ]
        self._first = [0] * BLOCK
        for at in range(len(self.places) - 1, -1, -1):
            self._first[self.places[at][0]] = at
        self._parts = [len(getattr(story, side)) for story in stories]
        blocks, rest = divmod(people, BLOCK)
        self.people = people
        self.rows = blocks * len(self.places) + sum(self._parts[:rest])

    def person(self, row: int) -> tuple[int, Place]:
        block, at = divmod(row, len(self.places))
        place = self.places[at]
        return block * BLOCK + place[0], place

    def rows_of(self, person: int) -> Iterator[int]:
        if 0 <= person < self.people:
            block, slot = divmod(person, BLOCK)
            start = block * len(self.places) + self._first[slot]
            yield from range(start, start + self._parts[slot])

    def rows_where(self, wanted: list[bool]) -> Iterator[int]:
        """Row numbers whose place in the block is wanted, in order."""
        offsets = [at for at, good in enumerate(wanted) if good]
        for base in range(0, self.rows, len(self.places)):
            if base + len(self.places) <= self.rows:
                yield from (base + at for at in offsets)
            else:
                yield from (base + at for at in offsets if base + at < self.rows)


def shuffled(seed: int) -> list[Story]:
    """The block's stories in this company's order. The first person is always an ordinary one: the
    administrator.
    """
    stories = [story for story in STORIES for _ in range(story.share)]
    random.Random(seed).shuffle(stories)
    plain = stories.index(BY_NAME["same"])
    stories[0], stories[plain] = stories[plain], stories[0]
    return stories
