"""The queue's entrances: fetch nothing but an id, call the verb, return nothing."""

from . import sync


def execute(run_id: int) -> None:
    sync.execute(run_id)


def tick() -> None:
    sync.tick()
