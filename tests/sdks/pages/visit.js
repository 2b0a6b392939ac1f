// What every page shares: the collector and the key it was told, and the visit to make.
import visit from "../visit.json";

const told = new URLSearchParams(location.search);
export const host = told.get("collector");
export const key = told.get("key");
export const { page, track, person, order } = visit;

// The runner waits for this before it leaves the page.
export function finished(promise) {
  window.finished = Promise.resolve(promise).then(() => true);
}

// Long enough for answers to come and for timers of the SDKs to fire.
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
