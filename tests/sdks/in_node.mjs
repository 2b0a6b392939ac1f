// One visit by one stock SDK in Node: `node in_node.mjs SDK http://HOST:PORT KEY`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { page, track, person, order } = JSON.parse(
  readFileSync(new URL("visit.json", import.meta.url), "utf8"),
);
const anonymousId = "device-1";

const sdks = {
  async segment(host, writeKey) {
    const { Analytics } = await import("@segment/analytics-node");
    const analytics = new Analytics({ writeKey, host });
    analytics.page({ anonymousId, name: page.title, properties: page });
    analytics.track({ anonymousId, ...track });
    analytics.identify({ anonymousId, userId: person.id, traits: person.traits });
    analytics.alias({ userId: person.id, previousId: person.before });
    analytics.track({
      anonymousId, userId: person.id, event: "Order Completed", properties: order,
    });
    await analytics.closeAndFlush();
  },

  async legacy(host, writeKey) {
    const Analytics = require("analytics-node");
    await viaSpec(new Analytics(writeKey, { host }));
  },

  async rudderstack(dataPlaneUrl, writeKey) {
    const RudderAnalytics = require("@rudderstack/rudder-sdk-node");
    const Made = RudderAnalytics.default ?? RudderAnalytics;
    await viaSpec(new Made(writeKey, { dataPlaneUrl }));
  },

  async jitsu(host, writeKey) {
    const { jitsuAnalytics } = require("@jitsu/js");
    const analytics = jitsuAnalytics({ host, writeKey: `${writeKey}:secret` });
    analytics.setAnonymousId(anonymousId);
    await analytics.page({ ...page });
    await analytics.track(track.event, track.properties);
    await analytics.identify(person.id, person.traits);
    await analytics.track("Order Completed", order);
  },

  async posthog(host, key) {
    const { PostHog } = await import("posthog-node");
    const posthog = new PostHog(key, { host });
    const distinctId = person.id;
    posthog.capture({
      distinctId,
      event: "$pageview",
      properties: { $current_url: page.url, $pathname: page.path, title: page.title },
    });
    posthog.capture({ distinctId, ...track });
    posthog.identify({ distinctId, properties: person.traits });
    posthog.alias({ distinctId, alias: person.before });
    posthog.capture({ distinctId, event: "Order Completed", properties: order });
    await posthog.shutdown();
  },

  async snowplow(host, appId) {
    const snowplow = await import("@snowplow/node-tracker");
    for (const eventMethod of ["post", "get"]) {
      const tracker = snowplow.newTracker(
        { namespace: eventMethod, appId, encodeBase64: eventMethod === "get" },
        { endpoint: host, eventMethod, bufferSize: eventMethod === "post" ? 3 : 1 },
      );
      tracker.setUserId(person.id);
      tracker.setDomainUserId(`${anonymousId}-${eventMethod}`);
      tracker.track(snowplow.buildPageView({ pageUrl: page.url, pageTitle: page.title }));
      tracker.track(
        snowplow.buildStructEvent({ category: "shop", action: track.event, label: "☕ é" }),
      );
      tracker.track(
        snowplow.buildSelfDescribingEvent({
          event: { schema: "iglu:example.shop/noted/jsonschema/1-0-0", data: track.properties },
        }),
      );
      tracker.track(
        snowplow.buildEcommerceTransaction({
          orderId: order.order_id, total: order.total, currency: order.currency,
        }),
      );
      for (const product of order.products)
        tracker.track(
          snowplow.buildEcommerceTransactionItem({
            orderId: order.order_id, sku: product.product_id, name: product.name,
            category: product.category, price: product.price, quantity: product.quantity,
          }),
        );
      await tracker.flush();
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  },
};

async function viaSpec(analytics) {
  analytics.page({ anonymousId, name: page.title, properties: page });
  analytics.track({ anonymousId, ...track });
  analytics.identify({ anonymousId, userId: person.id, traits: person.traits });
  analytics.alias({ userId: person.id, previousId: person.before });
  analytics.track({ anonymousId, userId: person.id, event: "Order Completed", properties: order });
  await new Promise((resolve, reject) =>
    analytics.flush((error) => (error ? reject(error) : resolve())),
  );
}

const [sdk, host, key] = process.argv.slice(2);
await sdks[sdk](host, key);
process.exit(0);
