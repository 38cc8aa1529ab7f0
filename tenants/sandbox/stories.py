"""What happens to people in a company, as a table: each story says which rows a person has on either side.

The table is laid over the company in blocks of 200 people, so that a company of any size has the same
shares, and the n-th row of a million is found by arithmetic. `reason` is what an honest match by e-mail must
come to.
"""

from dataclasses import dataclass, field

PERSON_TYPES = frozenset({"User", "DigitalUser", "VirtualUser", "FaxUser", "FlexibleUser"})


@dataclass(frozen=True, slots=True)
class Cx:
    """One CXone user of a story."""

    email: str = "plain"
    status: str = "ACTIVE"
    role: str = ""  # "" = one of the ordinary roles that hold the permission
    secondary: tuple[str, ...] = ()
    twin: bool = False  # another person with the same address
    impersonated: bool = False


@dataclass(frozen=True, slots=True)
class Rc:
    """One RingCentral extension of a story."""

    email: str = "plain"
    type: str = "User"
    status: str = "Enabled"
    hidden: bool = False
    twin: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    name: str
    share: int  # of 200
    reason: str
    cxone: tuple[Cx, ...] = field(default=(Cx(),))
    ringcentral: tuple[Rc, ...] = field(default=(Rc(),))


def _with(*extra: Rc) -> tuple[Rc, ...]:
    return (Rc(), *extra)


STORIES = (
    # -- matched --
    Story("same", 69, "mapped"),
    Story("mixed_case", 18, "mapped", ringcentral=(Rc(email="mixed"),)),
    Story("mixed_case_cxone", 6, "mapped", cxone=(Cx(email="upper"),)),
    Story("padded", 1, "mapped", cxone=(Cx(email="padded"),)),
    Story("plus_tag_both", 2, "mapped", cxone=(Cx(email="plus"),), ringcentral=(Rc(email="plus"),)),
    Story("voicemail_twin", 4, "mapped", ringcentral=_with(Rc(type="Voicemail"))),
    Story("shared_line_twin", 2, "mapped", ringcentral=_with(Rc(type="SharedLinesGroup"))),
    Story("digital", 5, "mapped", ringcentral=(Rc(type="DigitalUser"),)),
    Story("virtual", 1, "mapped", ringcentral=(Rc(type="VirtualUser"),)),
    Story("fax", 1, "mapped", ringcentral=(Rc(type="FaxUser"),)),
    Story("flexible", 1, "mapped", ringcentral=(Rc(type="FlexibleUser"),)),
    Story("hidden", 2, "mapped", ringcentral=(Rc(hidden=True),)),
    Story("secondary_role", 5, "mapped", cxone=(Cx(role="Evaluator", secondary=("Presence Mapping",)),)),
    Story("two_roles", 3, "mapped", cxone=(Cx(secondary=("Evaluator", "Back Office")),)),
    Story("rejoiner", 3, "mapped", ringcentral=(Rc(status="Disabled"), Rc())),
    Story("pending", 2, "mapped", cxone=(Cx(status="PENDING"),)),
    Story("unregistered", 1, "mapped", cxone=(Cx(status="UNREGISTERED"),)),
    Story("blocked", 1, "mapped", cxone=(Cx(status="BLOCKED"),)),
    # -- matched, and the company's rooms, queues and machines beside them --
    Story("with_queue", 4, "mapped", ringcentral=_with(Rc("group", "Department"))),
    Story("with_menu", 2, "mapped", ringcentral=_with(Rc("none", "IvrMenu"))),
    Story("with_park", 2, "mapped", ringcentral=_with(Rc("none", "ParkLocation"))),
    Story("with_site", 1, "mapped", ringcentral=_with(Rc("none", "Site"))),
    Story("with_room", 3, "mapped", ringcentral=_with(Rc("room", "Room"))),
    Story("with_bot", 1, "mapped", ringcentral=_with(Rc("none", "Bot"))),
    Story("with_app", 1, "mapped", ringcentral=_with(Rc("none", "ApplicationExtension"))),
    Story("with_announcement", 1, "mapped", ringcentral=_with(Rc("none", "Announcement"))),
    Story("with_limited", 1, "mapped", ringcentral=_with(Rc("desk", "Limited"))),
    Story("with_paging", 1, "mapped", ringcentral=_with(Rc("none", "PagingOnly"))),
    Story("with_spare_line", 2, "mapped", ringcentral=_with(Rc("none", "User", "Unassigned"))),
    # -- not matched --
    Story("other_domain", 3, "no_match", ringcentral=(Rc(email="domain"),)),
    Story("plus_tag", 3, "no_match", cxone=(Cx(email="plus"),)),
    Story("alias", 2, "no_match", ringcentral=(Rc(email="alias"),)),
    Story("cxone_only", 4, "no_match", ringcentral=()),
    Story("queue_only", 1, "no_match", ringcentral=(Rc(type="Department"),)),
    Story("ringcentral_no_email", 1, "no_match", ringcentral=(Rc(email="none"),)),
    Story("shared_ringcentral", 3, "multiple_accounts", ringcentral=_with(Rc(twin=True))),
    Story("shared_cxone", 2, "multiple_users", cxone=(Cx(), Cx(twin=True))),
    Story("shared_both", 1, "multiple_users", cxone=(Cx(), Cx(twin=True)), ringcentral=_with(Rc(twin=True))),
    Story("no_email", 3, "no_email", cxone=(Cx(email="none"),)),
    Story("invisible", 1, "bad_email", cxone=(Cx(email="invisible"),)),
    Story("mixed_script", 1, "bad_email", cxone=(Cx(email="cyrillic"),)),
    Story("not_an_address", 1, "bad_email", cxone=(Cx(email="word"),)),
    Story("disabled", 3, "account_disabled", ringcentral=(Rc(status="Disabled"),)),
    Story("frozen", 1, "account_disabled", ringcentral=(Rc(status="Frozen"),)),
    Story("not_activated", 2, "account_disabled", ringcentral=(Rc(status="NotActivated"),)),
    Story("unassigned", 1, "account_disabled", ringcentral=(Rc(status="Unassigned"),)),
    # -- not for mapping --
    Story("no_permission", 7, "no_permission", cxone=(Cx(role="Evaluator"),)),
    Story("view_only", 1, "no_permission", cxone=(Cx(role="Mapping Viewer"),)),
    Story("inactive_role", 2, "no_permission", cxone=(Cx(role="Old Agent"),)),
    Story("draft_role", 1, "no_permission", cxone=(Cx(role="Future Agent"),)),
    Story("deleted_role", 1, "no_permission", cxone=(Cx(role="Legacy Agent"),)),
    Story(
        "system_user",
        1,
        "no_permission",
        cxone=(Cx("none", role="Back Office", impersonated=True),),
        ringcentral=(),
    ),
    Story("leaver", 4, "leaver", cxone=(Cx(status="DELETED"),), ringcentral=(Rc(status="Disabled"),)),
    Story("leaver_still_calling", 1, "leaver", cxone=(Cx(status="DELETED"),)),
    Story("ringcentral_only", 3, "ringcentral_only", cxone=()),
)
BLOCK = sum(story.share for story in STORIES)
BY_NAME = {story.name: story for story in STORIES}
