// A make-believe page: runs the snippet with a clock moved by hand and records what it sends.
"use strict";
const vm = require("node:vm");
const { webcrypto } = require("node:crypto");

const told = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const sent = [];
const timers = [];
const listeners = {};
let now = 0;
let status = 200;
let cookies = told.cookie || "";

const document = {
  currentScript: {
    src: "https://collect.example/footfall.js",
    dataset: { key: "a key", ...(told.auto ? { auto: told.auto } : {}) },
  },
  title: "A cup ☕",
  referrer: "https://search.example/",
  visibilityState: "visible",
  addEventListener: (name, listener) => (listeners[name] = listener),
  get cookie() {
    return cookies;
  },
  set cookie(text) {
    if (told.storage === false) return;
    const [pair] = text.split(";");
    const name = pair.split("=")[0];
    const others = cookies.split("; ").filter((one) => one && !one.startsWith(name + "="));
    cookies = [...others, pair].join("; ");
  },
};
const kept = {};
const localStorage = {
  getItem: (name) => (name in kept ? kept[name] : null),
  setItem: (name, value) => (kept[name] = value),
  removeItem: (name) => delete kept[name],
};
const page = {
  document,
  location: new URL("https://shop.example/cup?a=1"),
  navigator: {
    userAgent: "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0",
    language: "en-GB",
    globalPrivacyControl: told.gpc,
    sendBeacon: (url, body) => sent.push({ by: "beacon", url, body }) > 0,
  },
  crypto: { getRandomValues: (array) => webcrypto.getRandomValues(array) },
  fetch: async (url, options) => {
    sent.push({ by: "fetch", url, body: options.body });
    return { status };
  },
  setTimeout: (action, wait) => timers.push({ action, at: now + wait }),
  addEventListener: (name, listener) => (listeners[name] = listener),
  URL, Blob, Uint8Array, Array, encodeURIComponent, decodeURIComponent,
};
Object.defineProperty(page, "localStorage", {
  get() {
    if (told.storage === false) throw new Error("forbidden");
    return localStorage;
  },
});
page.window = page;
if (told.queued) page.footfall = told.queued;

const wait = async (milliseconds) => {
  const until = now + milliseconds;
  for (;;) {
    timers.sort((a, b) => a.at - b.at);
    if (!timers.length || timers[0].at > until) break;
    const { action, at } = timers.shift();
    now = at;
    await action();
  }
  now = until;
};

const steps = {
  call: (name, ...rest) => page.footfall[name](...rest),
  wait,
  leave: () => listeners.pagehide(),
  answer: (next) => (status = next),
};

(async () => {
  vm.runInNewContext(told.script, page);
  for (const [name, ...rest] of told.steps) await steps[name](...rest);
  process.stdout.write(JSON.stringify(sent));
})();
