// A make-believe page: runs the snippet with a clock moved by hand and records what it sends.
"use strict";
const vm = require("node:vm");
const { webcrypto } = require("node:crypto");

const told = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const sent = [];
const timers = [];
const listeners = {};
let now = 1000;
let status = 200;
let id = told.id === undefined ? "" : told.id;

const document = {
  currentScript: {
    src: "https://collect.example/footfall.js?v=1",
    dataset: { key: "a key", ...told.data },
  },
  title: "A cup ☕",
  referrer: "https://search.example/",
  hidden: false,
  hasFocus: () => true,
};
const localStorage = { ...told.kept };
const page = {
  document,
  localStorage,
  location: new URL("https://shop.example/cup?a=1#token=secret"),
  history: { pushState: () => {}, replaceState: () => {} },
  navigator: {
    globalPrivacyControl: told.gpc,
    sendBeacon: (url, body) => sent.push({ by: "beacon", url, body }) > 0,
  },
  crypto: webcrypto,
  performance: { now: () => now },
  fetch: async (url, { method, body, keepalive }) => {
    if (method !== "POST") {
      sent.push({ by: "question", url });
      return { ok: true, status: id ? 200 : 204, text: async () => id };
    }
    sent.push({ by: "fetch", url, body, keepalive });
    if (status === "offline") throw new TypeError("offline");
    return { status };
  },
  setTimeout: (action, wait) => timers.push({ action, at: now + wait, name: timers.length + 1 }),
  clearTimeout: () => {},
  addEventListener: (name, listener) => (listeners[name] = listener),
};
page.window = page;
if (told.queued) page.footfall = told.queued;

const settled = () => new Promise((resolve) => setImmediate(resolve));
const wait = async (milliseconds) => {
  const until = now + milliseconds;
  for (;;) {
    timers.sort((a, b) => a.at - b.at);
    if (!timers.length || timers[0].at > until) break;
    const { action, at } = timers.shift();
    now = at;
    action();
    await settled();
  }
  now = until;
};

const steps = {
  call: (name, ...rest) => page.footfall[name](...rest),
  wait,
  leave: () => listeners.pagehide(),
  hide: () => {
    document.hidden = true;
    listeners.visibilitychange();
  },
  online: () => listeners.online(),
  answer: (next) => (status = next),
};

(async () => {
  vm.runInNewContext(told.script, page);
  await settled();
  for (const [name, ...rest] of told.steps) {
    await steps[name](...rest);
    await settled();
  }
  process.stdout.write(JSON.stringify({ sent, kept: localStorage }));
})();
