"""The roles and what each may do, as one table; nothing else grants a permission."""

from dataclasses import dataclass

VIEW_ORDERING = frozenset(
    {
        "orders.view_batch",
        "orders.view_order",
        "orders.view_orderline",
        "orders.view_orderevent",
        "orders.view_attempt",
        "orders.view_approval",
        "orders.view_resolution",
        "orders.view_card",
        "orders.view_remoteorder",
        "orders.view_deposit",
        "orders.view_ledgertransaction",
        "orders.view_ledgerposting",
        "orders.view_break",
        "providers.view_product",
        "providers.view_balancereading",
        "providers.view_provideraccount",
        "providers.view_providercall",
        "providers.view_syncrun",
        "providers.view_webhookreceipt",
    }
)
VIEW_ISSUING = frozenset(
    {
        "orders.view_pool",
        "orders.view_reservation",
        "orders.view_issuance",
        "orders.view_card",
        "orders.view_authorization",
        "orders.view_balancecheck",
        "orders.view_cardmovement",
        "orders.view_issuingevent",
    }
)
VIEW_RUNNING = frozenset(
    {
        "giftops.view_user",
        "giftops.view_auditentry",
        "giftops.view_job",
        "giftops.view_periodicjob",
        "giftops.view_heartbeat",
        "giftops.view_instanceguard",
        "orders.view_approvallimit",
    }
)
VIEW_REVEALS = frozenset({"giftops.view_reveals", "orders.view_reveal"})


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of person (or system) and everything it may do."""

    slug: str
    label: str
    permissions: frozenset[str]


_TABLE = (
    Role(
        "finance_maker",
        "Finance maker",
        VIEW_ORDERING
        | VIEW_ISSUING
        | {
            "orders.add_order",
            "orders.add_reservation",
            "orders.add_issuance",
            "orders.add_authorization",
            "orders.resolve_order",
            "orders.ask_provider",
            "providers.refresh_product",
        },
    ),
    Role(
        "finance_approver",
        "Finance approver",
        VIEW_ORDERING
        | VIEW_ISSUING
        | {
            "orders.approve_batch",
            "orders.approve_issuance",
            "orders.change_deposit",
            "orders.resolve_order",
            "orders.ask_provider",
        },
    ),
    Role(
        "support_agent",
        "Support agent",
        frozenset(
            {
                "orders.view_batch",
                "orders.view_order",
                "orders.view_orderline",
                "orders.view_orderevent",
                "orders.view_card",
                "orders.view_authorization",
                "orders.view_balancecheck",
                "orders.view_cardmovement",
                "orders.view_issuingevent",
                "orders.view_remoteorder",
                "orders.ask_provider",
                "orders.reveal_card",
                "providers.view_product",
            }
        ),
    ),
    Role("auditor", "Auditor", VIEW_ORDERING | VIEW_ISSUING | VIEW_RUNNING | VIEW_REVEALS),
    Role(
        "administrator",
        "Administrator",
        VIEW_RUNNING
        | {
            "giftops.add_user",
            "giftops.change_user",
            "giftops.change_job",
            "orders.change_approvallimit",
            "orders.change_deposit",
            "providers.change_provideraccount",
            "providers.refresh_product",
            "providers.view_balancereading",
            "providers.view_product",
            "providers.view_provideraccount",
            "providers.view_providercall",
            "providers.view_syncrun",
            "providers.view_webhookreceipt",
            "orders.view_batch",
            "orders.view_order",
            "orders.view_orderline",
            "orders.view_orderevent",
            "orders.view_attempt",
            "orders.view_remoteorder",
            "orders.view_deposit",
        }
        | (VIEW_ISSUING - {"orders.view_card"}),
    ),
    Role("partner", "Partner system", frozenset()),
)

ROLES: dict[str, Role] = {role.slug: role for role in _TABLE}
CHOICES: list[tuple[str, str]] = [(role.slug, role.label) for role in _TABLE]


def allows(role: str, perm: str) -> bool:
    """Say whether the role of that slug may do `perm` ("app.verb_model"); unknown roles may not."""
    return role in ROLES and perm in ROLES[role].permissions


def superuser_allows(perm: str) -> bool:
    """Say what the superuser flag gives: the administrator's permissions and every look."""
    verb = perm.partition(".")[2]
    return verb.startswith("view_") or allows("administrator", perm)


def holders(perm: str) -> list[str]:
    """Name the roles that may do `perm`, in the order of the table."""
    return [role.slug for role in _TABLE if perm in role.permissions]


def granted(role: str, *, is_superuser: bool) -> set[str]:
    """List what a person with this role and flag may do, as far as the table names it."""
    own = set(ROLES[role].permissions) if role in ROLES else set()
    if is_superuser:
        every = set().union(*(r.permissions for r in _TABLE))
        own |= {perm for perm in every if superuser_allows(perm)}
    return own
