/* Footfall's tracking snippet.

   On a page:

     <script async src="https://collect.example/footfall.js" data-key="WRITE_KEY"></script>

   It counts the page view by itself, unless the tag says data-auto="off". Then, or before it has
   loaded (`window.footfall = window.footfall || []`):

     footfall.push(["track", "Signed Up", {plan: "pro"}]);
     footfall.push(["identify", "user-42", {email: "zoe@example.com"}]);
     footfall.push(["page", "Checkout"]);
     footfall.push(["reset"]);

   Once loaded, footfall.track(…) and so on do the same. Events are sent in batches to the origin
   that the script came from (or data-endpoint), as text/plain, which needs no CORS preflight.
   An event is kept until an answer says that it is safe, and sent again otherwise: its messageId
   makes the collector count it once. */
(() => {
  "use strict";

  const VERSION = "1";
  const BATCH_EVENTS = 50;
  const BATCH_BYTES = 60000; // browsers allow 64 KiB to outlive a page
  const KEPT_EVENTS = 1000;
  const LINGER_MS = 250;
  const RETRY_MS = [1000, 2000, 5000, 15000, 60000];
  const DEVICE = "ff_device";
  const USER = "ff_user";
  const YEAR_SECONDS = 31536000;

  const tag = document.currentScript;
  const queued = window.footfall;
  if (!tag || (queued && queued.loaded)) return;

  const endpoint = tag.dataset.endpoint || new URL(tag.src).origin;
  const key = tag.dataset.key || "";
  const url = endpoint + "/v1/batch?writeKey=" + encodeURIComponent(key);

  // Where storage is forbidden, the visitor is new on every page, and everything else works.
  const storage = {
    get(name) {
      const match = document.cookie.match("(?:^|; )" + name + "=([^;]*)");
      try {
        if (match) return decodeURIComponent(match[1]);
        return localStorage.getItem(name) || "";
      } catch (forbiddenOrDamaged) {
        return "";
      }
    },
    set(name, value) {
      const age = value ? YEAR_SECONDS : 0;
      const secure = location.protocol === "https:" ? "; Secure" : "";
      document.cookie =
        name + "=" + encodeURIComponent(value) + "; Path=/; SameSite=Lax; Max-Age=" + age + secure;
      try {
        if (value) localStorage.setItem(name, value);
        else localStorage.removeItem(name);
      } catch (forbidden) {
        // The cookie is enough.
      }
    },
  };

  const uuid = () => {
    if (crypto.randomUUID) return crypto.randomUUID(); // only where the page is https
    const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0")
    ).join("");
    return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
  };

  let device = storage.get(DEVICE);
  let user = storage.get(USER);
  if (!device) {
    device = uuid();
    storage.set(DEVICE, device);
  }

  const place = () => ({
    url: location.href,
    path: location.pathname,
    search: location.search,
    title: document.title,
    referrer: document.referrer,
  });

  const context = () => {
    const about = {
      page: place(),
      userAgent: navigator.userAgent,
      locale: navigator.language,
      library: { name: "footfall.js", version: VERSION },
    };
    if (navigator.globalPrivacyControl) about.gpc = true;
    return about;
  };

  let waiting = []; // everything without a good answer so far, as JSON texts
  let sending = false;
  let failures = 0;
  let timer = 0;

  const enqueue = (type, fields) => {
    const event = {
      type,
      messageId: uuid(),
      anonymousId: device,
      timestamp: new Date().toISOString(),
      context: context(),
      ...fields,
    };
    if (user) event.userId = user;
    waiting.push(JSON.stringify(event));
    waiting = waiting.slice(-KEPT_EVENTS);
    later(LINGER_MS);
  };

  const later = (milliseconds) => {
    if (!timer) timer = setTimeout(send, milliseconds);
  };

  const head = (events) => {
    let size = 0;
    const fitting = events.slice(0, BATCH_EVENTS).findIndex((event) => {
      size += new Blob([event]).size + 1;
      return size > BATCH_BYTES;
    });
    return events.slice(0, fitting < 0 ? BATCH_EVENTS : Math.max(fitting, 1));
  };

  const body = (events) =>
    '{"sentAt":"' + new Date().toISOString() + '","batch":[' + events.join(",") + "]}";

  const send = async () => {
    timer = 0;
    if (sending || !waiting.length) return;
    sending = true;
    const batch = head(waiting);
    let safe = false;
    try {
      const answer = await fetch(url, {
        method: "POST",
        body: body(batch),
        headers: { "Content-Type": "text/plain" },
        credentials: "omit",
        keepalive: true,
      });
      // Any other 4xx is final: sending the same again would be refused again.
      safe = answer.status < 500 && answer.status !== 408 && answer.status !== 429;
    } catch (offline) {
      safe = false;
    }
    sending = false;
    if (safe) {
      waiting = waiting.filter((event) => !batch.includes(event));
      failures = 0;
    } else {
      failures += 1;
    }
    if (waiting.length) {
      later(safe ? 0 : RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]);
    }
  };

  // The page may never come back: what has no answer yet goes out once more, without waiting.
  const leave = () => {
    while (waiting.length) {
      const batch = head(waiting);
      if (!navigator.sendBeacon(url, body(batch))) return;
      waiting = waiting.slice(batch.length);
    }
  };

  const api = {
    loaded: true,
    page(name, properties) {
      enqueue("page", { name: name || "", properties: { ...place(), ...properties } });
    },
    track(event, properties) {
      enqueue("track", { event: String(event), properties: properties || {} });
    },
    identify(userId, traits) {
      const known = typeof userId === "object" && userId !== null ? "" : userId;
      if (known) {
        user = String(known);
        storage.set(USER, user);
      }
      enqueue("identify", { traits: (known || !userId ? traits : userId) || {} });
    },
    reset() {
      enqueue("reset", {});
      user = "";
      device = uuid();
      storage.set(USER, "");
      storage.set(DEVICE, device);
    },
    push(call) {
      const [name, ...rest] = call;
      if (["page", "track", "identify", "reset"].includes(name)) api[name](...rest);
    },
  };

  window.footfall = api;
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") leave();
  });
  if (tag.dataset.auto !== "off") api.page();
  if (Array.isArray(queued)) queued.forEach(api.push);
})();
