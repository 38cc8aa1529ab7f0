"""The company itself: seeded, complete in its stories, small at any size, and open to change."""

import tracemalloc
from collections import Counter

import pytest

from tenants.sandbox import World
from tenants.sandbox.names import FIRST, LAST
from tenants.sandbox.stories import BLOCK, STORIES

REASONS = sorted({story.reason for story in STORIES})


def test_the_same_seed_makes_the_same_company():
    assert list(World(300, 7).rows("cxone")) == list(World(300, 7).rows("cxone"))


def test_another_seed_makes_another_company():
    assert list(World(300, 7).rows("ringcentral")) != list(World(300, 8).rows("ringcentral"))


def test_four_hundred_people_are_four_hundred_cxone_users():
    assert World(400).count("cxone") == 400


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_story_happens_among_four_hundred_people(story):
    found = World(400).example(story.name)
    assert (len(found["cxone"]), len(found["ringcentral"])) == (len(story.cxone), len(story.ringcentral))


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_an_example(reason):
    assert World(400).examples(reason)


def test_an_unknown_kind_of_example_is_said_to_be_unknown():
    with pytest.raises(LookupError, match="no story and no reason"):
        World(400).example("unicorns")


def test_about_four_in_five_eligible_people_match_by_email():
    reasons = Counter(reason for _, reason in World(1000).expected())
    eligible = reasons.total() - reasons["no_permission"] - reasons["leaver"]
    assert 0.78 <= reasons["mapped"] / eligible <= 0.85


def test_the_stories_fill_their_block():
    assert BLOCK == 200


def test_name_tokens_are_unique_and_ascii():
    tokens = [token for _, token in FIRST], [token for _, token in LAST]
    assert all(
        len(set(names)) == len(names) and all(n.isascii() and n.isalpha() for n in names) for names in tokens
    )


@pytest.mark.parametrize("side", ["cxone", "ringcentral"])
def test_ids_are_unique_and_lead_back_to_their_row(side):
    world = World(1000)
    rows = list(world.rows(side))
    assert len({row.id for row in rows}) == len(rows)
    assert all(world.find(side, row.id) == row for row in rows)


@pytest.mark.parametrize("side", ["cxone", "ringcentral"])
def test_every_address_leads_back_to_those_who_use_it(side):
    world = World(400)
    for row in world.rows(side):
        if row.email and "@" in row.email:
            assert row in world.by_email(side, row.email.swapcase())


def test_two_worlds_share_no_extension_id():
    one, two = (World(40, 1, name=name) for name in ("acme", "globex"))
    assert not {row.id for row in one.rows("ringcentral")} & {row.id for row in two.rows("ringcentral")}


def test_the_administrators_extension_is_the_account():
    world = World(5)
    assert next(world.rows("ringcentral")).id == str(world.account_id)


def test_shared_addresses_have_two_users_or_two_extensions():
    world = World(400)
    for kind, side in (("shared_cxone", "cxone"), ("shared_ringcentral", "ringcentral")):
        rows = [world.find(side, id) for id in world.example(kind)[side]]
        assert rows[0].email == rows[1].email and rows[0].name != rows[1].name


def test_a_rejoiner_has_an_old_disabled_extension_and_a_new_one():
    world = World(400)
    rows = [world.find("ringcentral", id) for id in world.example("rejoiner")["ringcentral"]]
    assert [row.status for row in rows] == ["Disabled", "Enabled"] and rows[0].email == rows[1].email


def test_names_have_accents_right_to_left_letters_and_last_first():
    names = [row.name for row in World(1000).rows("ringcentral")]
    assert any("ü" in name for name in names) and any("م" in name for name in names)
    assert any("," in name for name in names) and max(map(len, names)) > 40


def test_a_million_people_stay_small():
    tracemalloc.start()
    world = World(1_000_000)
    assert [len(list(world.rows("cxone", 999_990, 20))), world.count("ringcentral")] == [10, 1_135_000]
    assert len(world.numbers("ringcentral", ["User"], ["Enabled"])) > 800_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_more_than_a_million_people_are_refused():
    with pytest.raises(ValueError, match="1,000,000"):
        World(1_000_001)


def test_a_changed_address_is_found_and_the_old_one_is_not():
    world = World(40)
    row = next(world.rows("ringcentral"))
    world.set_email("ringcentral", row.id, "New@Example.org")
    assert [found.id for found in world.by_email("ringcentral", "new@example.org")] == [row.id]
    assert world.by_email("ringcentral", row.email) == []


def test_a_disabled_extension_moves_between_the_filtered_lists():
    world = World(40)
    number = world.numbers("ringcentral", ["User"], ["Enabled"])[3]
    world.disable(world.row("ringcentral", number).id)
    assert number not in world.numbers("ringcentral", ["User"], ["Enabled"])
    assert number in world.numbers("ringcentral", ["User"], ["Disabled"])


def test_enabling_undoes_disabling():
    world = World(40)
    before = list(world.rows("ringcentral"))
    world.disable(before[0].id)
    world.enable(before[0].id)
    assert list(world.rows("ringcentral")) == before


def test_a_removed_extension_leaves_the_list_and_comes_back():
    world = World(40)
    id = next(world.rows("ringcentral")).id
    world.remove("ringcentral", id)
    assert world.find("ringcentral", id) is None and id not in {row.id for row in world.rows("ringcentral")}
    world.restore("ringcentral", id)
    assert next(world.rows("ringcentral")).id == id


def test_a_removed_cxone_user_stays_as_deleted():
    world = World(40)
    id = next(world.rows("cxone")).id
    world.remove("cxone", id)
    assert world.find("cxone", id).status == "DELETED"
    world.restore("cxone", id)
    assert world.find("cxone", id).status == "ACTIVE"


def test_a_hired_person_is_on_both_sides():
    world = World(0)
    hired = world.hire("Ada", "Lovelace", email="Ada@acme.example")
    assert [row.id for row in world.rows("cxone")] == [hired["cxone"]]
    assert [row.id for row in world.by_email("ringcentral", "ada@ACME.example")] == [hired["ringcentral"]]


def test_a_hired_person_may_be_on_one_side_with_fields_of_ones_own():
    world = World(10)
    hired = world.hire("Bo", "Lee", cxone=False, ringcentral={"status": "Disabled", "email": "bo@x.org"})
    assert list(hired) == ["ringcentral"]
    assert world.find("ringcentral", hired["ringcentral"]).status == "Disabled"


def test_roles_are_given_by_name():
    world = World(10)
    id = next(world.rows("cxone")).id
    world.set_roles(id, "Evaluator", "Presence Mapping")
    assert (world.find("cxone", id).role, world.find("cxone", id).secondary) == (
        "Evaluator",
        ("Presence Mapping",),
    )


def test_an_unknown_role_is_refused():
    world = World(10)
    with pytest.raises(ValueError, match="no such role: King"):
        world.set_roles(next(world.rows("cxone")).id, "King")


def test_an_unknown_id_is_refused():
    with pytest.raises(LookupError, match="no cxone row"):
        World(10).set_email("cxone", "nobody", "x@y")


def test_renaming_changes_the_name_shown():
    world = World(10)
    id = next(world.rows("cxone")).id
    world.rename("cxone", id, "Zoë", "Married")
    assert world.find("cxone", id).name == "Zoë Married"
