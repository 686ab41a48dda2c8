"""The desks around providers: accounts, catalogue, calls, sync runs. Importing registers them."""

from providers.admin import accounts, calls, catalogue, sync_runs, webhooks

__all__ = ["accounts", "calls", "catalogue", "sync_runs", "webhooks"]
