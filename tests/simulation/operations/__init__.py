"""What is simulated: one module per operation, each an `Operation` (see `base`)."""

from tests.simulation.operations.base import Operation
from tests.simulation.operations.cp_extender_cards import CPExtenderCards
from tests.simulation.operations.cp_extender_oracle import telltale_secrets as of_cp_extender
from tests.simulation.operations.giftcardpartners_oracle import telltale_secrets as of_partners
from tests.simulation.operations.giftcardpartners_orders import GiftCardPartnersOrders
from tests.simulation.operations.ncentiva_oracle import telltale_secrets as of_ncentiva
from tests.simulation.operations.ncentiva_orders import NcentivaOrders

SELLERS: tuple[type[Operation], ...] = (NcentivaOrders, GiftCardPartnersOrders)
OPERATIONS: tuple[type[Operation], ...] = (*SELLERS, CPExtenderCards)

telltale_secrets = (of_ncentiva, of_partners, of_cp_extender)
"""Contexts in which the providers' secrets are texts that can be searched for."""
