import pytest

from giftops import roles
from giftops.models import User
from giftops.roles import ROLES

SPENDING = {"orders.add_order", "orders.approve_batch", "orders.resolve_order"}
SECRETS = {"orders.reveal_card"}
EVERYTHING = set().union(*(role.permissions for role in ROLES.values()))
VIEWS = {perm for perm in EVERYTHING if ".view_" in perm}


def person(role="", **fields):
    return User(username="x", role=role, **fields)


def may(role):
    return {perm for perm in EVERYTHING if person(role).has_perm(perm)}


@pytest.mark.parametrize(
    ("perm", "expected"),
    [
        ("orders.add_order", ["finance_maker"]),
        ("orders.approve_batch", ["finance_approver"]),
        ("orders.resolve_order", ["finance_maker", "finance_approver"]),
        ("orders.reveal_card", ["support_agent"]),
        ("orders.change_deposit", ["finance_approver", "administrator"]),
        ("orders.change_approvallimit", ["administrator"]),
        ("orders.view_approvallimit", ["auditor", "administrator"]),
        ("orders.ask_provider", ["finance_maker", "finance_approver", "support_agent"]),
        ("providers.refresh_product", ["finance_maker", "administrator"]),
        ("providers.change_provideraccount", ["administrator"]),
        ("giftops.change_user", ["administrator"]),
        ("giftops.change_job", ["administrator"]),
        ("giftops.view_auditentry", ["auditor", "administrator"]),
        ("giftops.view_reveals", ["auditor"]),
        ("giftops.delete_auditentry", []),
        ("orders.delete_order", []),
    ],
)
def test_a_permission_is_held_by_these_roles(perm, expected):
    assert roles.holders(perm) == expected


def test_nobody_both_makes_and_approves():
    assert not any({"orders.add_order", "orders.approve_batch"} <= may(role) for role in ROLES)


def test_nobody_who_handles_money_sees_a_code():
    assert not any(may(role) & SPENDING and may(role) & SECRETS for role in ROLES)


def test_the_auditor_sees_everything_and_does_nothing():
    assert may("auditor") == VIEWS


def test_the_administrator_neither_spends_nor_reveals():
    assert not may("administrator") & (SPENDING | SECRETS)


def test_a_partner_system_has_no_business_in_here():
    assert may("partner") == set()


@pytest.mark.parametrize("role", ["", "nonsense"])
def test_without_a_known_role_nothing_is_allowed(role):
    assert may(role) == set()


def test_the_superuser_flag_neither_spends_nor_reveals():
    chief = person(is_superuser=True)

    allowed = {perm for perm in EVERYTHING if chief.has_perm(perm)}

    assert allowed == VIEWS | ROLES["administrator"].permissions
    assert not allowed & (SPENDING | SECRETS)
    assert chief.has_perm("django_q.view_schedule")
    assert not chief.has_perm("django_q.change_schedule")


def test_a_superuser_with_a_role_may_what_the_role_may():
    assert person("finance_approver", is_superuser=True).has_perm("orders.approve_batch")


@pytest.mark.parametrize("role", [*ROLES, "superuser"])
def test_a_person_who_left_may_nothing(role):
    gone = person(role, is_active=False, is_superuser=role == "superuser")

    assert not any(gone.has_perm(perm) for perm in EVERYTHING)
    assert gone.get_all_permissions() == set()
    assert not gone.has_module_perms("orders")


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_every_way_of_asking_gives_the_same_answer(role):
    somebody = person(role)

    assert somebody.get_all_permissions() == may(role)
    assert somebody.get_user_permissions() == may(role)
    assert somebody.get_group_permissions() == set()
    assert somebody.has_perms(sorted(may(role)))
    assert somebody.has_module_perms("orders") == any(p.startswith("orders.") for p in may(role))
    assert not somebody.has_module_perms("order")


@pytest.mark.django_db
def test_neither_groups_nor_single_permissions_add_anything(user):
    from django.contrib.auth.models import Group, Permission

    agent = user("support_agent")
    group = Group.objects.create(name="powerful")
    group.permissions.set(Permission.objects.all())
    agent.groups.add(group)
    agent.user_permissions.set(Permission.objects.all())

    assert agent.get_all_permissions() == ROLES["support_agent"].permissions
    assert not agent.has_perm("giftops.change_user")
