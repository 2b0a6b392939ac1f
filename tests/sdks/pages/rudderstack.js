import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";
import { finished, host, key, order, page, pause, person, track } from "./visit.js";

const useBeacon = new URLSearchParams(location.search).get("variant") === "beacon";
const analytics = new RudderAnalytics();
analytics.load(key, host, { configUrl: host, logLevel: "WARN", useBeacon });
analytics.page(page.title);
analytics.track(track.event, track.properties);
analytics.identify(person.id, person.traits);
analytics.alias("user-43");
analytics.track("Order Completed", order);
finished(new Promise((resolve) => analytics.ready(resolve)).then(() => pause(1_000)));
