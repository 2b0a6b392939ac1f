import posthog from "posthog-js";
import { finished, host, key, order, pause, person, track } from "./visit.js";

const leaves = new URLSearchParams(location.search).get("variant") === "unload";
posthog.init(key, {
  api_host: host,
  opt_out_useragent_filter: true, // it discards what headless browsers do
  loaded: () => {
    posthog.capture(track.event, track.properties);
    posthog.identify(person.id, person.traits);
    posthog.alias("user-43");
    posthog.capture("Order Completed", order);
  },
});
// Left at once, everything that waits goes out as a beacon: Base64 in a form.
finished(pause(leaves ? 200 : 4_000));
