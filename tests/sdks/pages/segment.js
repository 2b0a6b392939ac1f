import { AnalyticsBrowser } from "@segment/analytics-next";
import { finished, host, key, order, page, person, track } from "./visit.js";

const apiHost = `${new URL(host).host}/v1`;
const strategy = new URLSearchParams(location.search).get("variant") ?? "standard";
const deliveryStrategy = { strategy, config: { size: 10, timeout: 500 } };
const analytics = AnalyticsBrowser.load(
  { writeKey: key, cdnURL: host },
  { integrations: { "Segment.io": { apiHost, protocol: "http", deliveryStrategy } } },
);

async function visit() {
  await analytics.page(page.title);
  await analytics.track(track.event, track.properties);
  await analytics.identify(person.id, person.traits);
  await analytics.alias("user-43"); // after an identify it sends userId == previousId
  await analytics.track("Order Completed", order);
}
finished(visit());
