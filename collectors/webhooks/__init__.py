"""Shops and help desks tell what happened: POST /webhooks/{vendor}/{site}. One vendor per file.

A request is verified over its bytes before anything in it is read. What it tells becomes the same
event as over `/v1/purchases`, `/v1/tickets` and `/v1/feedback`.
"""

from typing import Final

from collectors.webhooks.contract import Vendor
from collectors.webhooks.freshdesk import Freshdesk
from collectors.webhooks.intercom import Intercom
from collectors.webhooks.shopify import Shopify
from collectors.webhooks.stripe import Stripe
from collectors.webhooks.woocommerce import WooCommerce
from collectors.webhooks.zendesk import Zendesk

ALL: Final[tuple[Vendor, ...]] = (
    Shopify(),
    WooCommerce(),
    Stripe(),
    Zendesk(),
    Freshdesk(),
    Intercom(),
)
