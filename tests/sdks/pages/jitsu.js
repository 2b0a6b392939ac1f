import { jitsuAnalytics } from "@jitsu/js";
import { finished, host, key, order, page, person, track } from "./visit.js";

const analytics = jitsuAnalytics({ host, writeKey: `${key}:secret` });

async function visit() {
  await analytics.page({ name: page.title });
  await analytics.track(track.event, track.properties);
  await analytics.identify(person.id, person.traits);
  await analytics.track("Order Completed", order);
}
finished(visit());
