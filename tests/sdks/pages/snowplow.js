import { SnowplowEcommercePlugin, trackTransaction } from "@snowplow/browser-plugin-snowplow-ecommerce";
import {
  enableActivityTracking,
  newTracker,
  setUserId,
  trackPageView,
  trackSelfDescribingEvent,
  trackStructEvent,
} from "@snowplow/browser-tracker";
import { finished, host, key, order, pause, person, track } from "./visit.js";

const eventMethod = new URLSearchParams(location.search).get("variant") ?? "post";
newTracker("sp", host, { appId: key, eventMethod, plugins: [SnowplowEcommercePlugin()] });
enableActivityTracking({ minimumVisitLength: 1, heartbeatDelay: 1 });
trackPageView();
trackStructEvent({ category: "shop", action: track.event, label: track.properties.note });
trackSelfDescribingEvent({
  event: { schema: "iglu:example.shop/noted/jsonschema/1-0-0", data: track.properties },
});
setUserId(person.id);
trackTransaction({
  transaction_id: order.order_id,
  revenue: order.total,
  currency: order.currency,
  payment_method: "card",
  products: order.products.map(({ product_id, ...rest }) => ({
    id: product_id,
    currency: order.currency,
    ...rest,
  })),
});
finished(pause(2_500));
