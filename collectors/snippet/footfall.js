/* Footfall's tracking snippet. On a page:

     <script async src="https://collect.example/footfall.js" data-key="WRITE_KEY"></script>

   It counts page views by itself, those of single-page navigation included. Further attributes:

     data-auto="off"         page views only when asked for
     data-signals="off"      no rage clicks, dead clicks, script errors and form resubmits
     data-consent="pending"  wait in memory for footfall.consent("granted"); "denied": send nothing
     data-cookies="off"      keep nothing on the visitor's machine
     data-endpoint="URL"     where to send, when the script is served from elsewhere

   footfall.page(name, properties)          footfall.track("Signed Up", {plan: "pro"})
   footfall.identify("user-42", {email})    footfall.alias("user-42", "old-id")
   footfall.reset()                         footfall.consent("granted" | "denied" | "pending")
   footfall.productViewed({product_id}), footfall.orderCompleted({order_id, total, …}), …

   Before it has loaded: (window.footfall = window.footfall || []).push(["track", "Signed Up"]).

   Everything goes to the address that the script came from, events as text/plain, which needs no
   CORS preflight. An event is kept until an answer says that it is safe, across pages too, and is
   sent again otherwise: its messageId makes the collector count it once.

   As served, comments and spaces are left out, and the names declared below get shorter: see
   collectors/snippet/shrink.py for what that asks of the text. */
(() => {
  const VERSION = "2";
  const BATCH_CHARS = 20000; // three bytes each at most: browsers let 64 KiB outlive a page
  const KEPT_EVENTS = 500; // then the oldest go
  const LINGER_MS = 250;
  const RETRY_MS = 1000; // doubled with every failure
  const RETRY_MAX_MS = 60000;
  const ASK_MS = 2000;
  const ASK_AGAIN_MS = 86400000;
  const DEAD_MS = 2000;
  const SIGNALS = 25; // a page load
  const PREFIX = "ff_";
  const SIGNS = "scroll blur beforeunload invalid submit change";
  const COMMERCE =
    "Products Searched,Product List Viewed,Product Clicked,Product Viewed,Product Added," +
    "Product Removed,Cart Viewed,Checkout Started,Checkout Step Completed,Payment Info Entered," +
    "Order Completed,Order Refunded,Order Cancelled";

  const doc = document;
  const tag = doc.currentScript;
  const early = window.footfall;
  if (!tag || early?.loaded === true) return;
  const settings = tag.dataset;
  const cookieless = settings.cookies === "off";
  const bare = (address) => address.split(/[?#]/)[0];
  const home = settings.endpoint || bare(tag.src);
  const sink = home + "?writeKey=" + encodeURIComponent(settings.key || "");

  const unique = () =>
    [...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(36)).join("-");

  // Read at every use, so that two tabs agree. An object in memory stands in where nothing may
  // be kept, and until it may.
  let store = {};
  const read = (label) => store[PREFIX + label] || "";
  const write = (label, value) => {
    try {
      if (value) store[PREFIX + label] = value;
      else delete store[PREFIX + label];
    } catch {}
  };
  const unpack = () => {
    const before = store;
    try {
      if (!cookieless) {
        store = localStorage;
        Object.assign(store, before);
      }
    } catch {
      store = before;
    }
  };
  unpack();
  let choice = read("consent") || settings.consent || "granted";
  store = {};

  // A hash is part of a page's address only where it is a route: others carry tokens.
  const routed = () => (/^#[/!]/.test(location.hash) ? location.hash : "");
  let cameFrom = doc.referrer;
  const place = () => ({
    url: location.href.split("#")[0] + routed(),
    path: location.pathname + routed(),
    title: doc.title,
    referrer: cameFrom,
  });
  let view = place();

  let waiting = []; // everything without a good answer so far
  let flying = []; // its head, on its way
  let started = false; // whether anything may be sent and kept
  let addressed = false; // whether the device's id is known
  let failures = 0;
  let timer = 0;
  const queue = "queue" + unique();
  const save = () => write(queue, waiting[0] && JSON.stringify(waiting));

  const record = (type, fields, where = place()) => {
    if (choice === "denied") return;
    waiting.push({
      type,
      messageId: unique(),
      anonymousId: read("id"),
      userId: read("user"),
      timestamp: new Date(),
      context: {
        page: where,
        library: { name: "footfall.js", version: VERSION },
        gpc: navigator.globalPrivacyControl,
      },
      ...fields,
    });
    if (waiting.length > KEPT_EVENTS) waiting.splice(flying.length, 1);
    save();
    later(LINGER_MS);
  };
  const later = (milliseconds) => {
    timer ||= setTimeout(send, milliseconds);
  };

  const head = (events) => {
    let chars = 0;
    return events.filter((one, place) => {
      chars += JSON.stringify(one).length;
      return !place || chars < BATCH_CHARS;
    });
  };
  const pack = (batch) => JSON.stringify({ sentAt: new Date(), batch });

  const send = async () => {
    clearTimeout(timer);
    timer = 0;
    if (!addressed || flying[0] || !waiting[0]) return;
    const batch = head(waiting);
    flying = batch;
    const packed = pack(batch);
    const small = packed.length < BATCH_CHARS;
    let code = 503;
    try {
      const how = { method: "POST", body: packed, credentials: "omit", keepalive: small };
      code = (await fetch(sink, how)).status;
    } catch {}
    // Any other 4xx is final: sending the same again would be refused again.
    const final = code < 500 && code !== 408 && code !== 429;
    if (final) waiting = waiting.filter((one) => !batch.includes(one));
    flying = [];
    save();
    const wait = Math.min(RETRY_MS * 2 ** failures, RETRY_MAX_MS) * (1 + Math.random());
    failures = final ? 0 : failures + 1;
    if (waiting[0]) later(final ? 0 : wait);
  };

  // Nobody will hear the answer, so it all stays in storage, and the next page sends it again.
  const farewell = () => {
    let rest = started ? waiting.slice(flying.length) : [];
    while (rest[0]) {
      const part = head(rest);
      if (!navigator.sendBeacon(sink, pack(part))) return;
      rest = rest.slice(part.length);
    }
  };

  // The device's id. On the site's own domain the collector keeps it in a cookie that scripts
  // cannot reach and browsers do not shorten; `id` offers ours, `set` replaces what it has.
  const ask = async (how) => {
    const offered = read("id");
    try {
      const answer = await fetch(home + "?" + how + "=" + offered, { credentials: "include" });
      if (!answer.ok) return;
      write("asked", Date.now());
      write("new");
      const given = await answer.text();
      if (read("id") !== offered || !/^[\w-]{8,64}$/.test(given)) return;
      write("id", given);
      if (!addressed) for (const one of waiting) one.anonymousId = given;
    } catch {}
  };
  const know = () => {
    if (!started) return;
    addressed = true;
    later(0);
    for (const name of Object.keys(store)) {
      if (!name.startsWith(PREFIX + "queue") || name === PREFIX + queue) continue;
      const left = store[name]; // by a page that is gone
      delete store[name];
      waiting.push(...JSON.parse(left));
    }
    save();
  };
  const start = async () => {
    started = true;
    unpack();
    if (!read("id")) write("id", unique());
    for (const one of waiting) {
      one.anonymousId ||= read("id");
      one.userId ||= read("user");
    }
    save();
    const renew = read("new");
    if (renew || read("asked")) know();
    else setTimeout(know, ASK_MS);
    if (!renew && Date.now() - read("asked") < ASK_AGAIN_MS) return;
    await ask(cookieless ? "daily" : renew ? "set" : "id");
    know();
  };

  // Milliseconds for which the page was visible and had the focus.
  let since = 0;
  let engaged = 0;
  const attend = () => {
    const now = performance.now();
    if (since) engaged += now - since;
    since = !doc.hidden && doc.hasFocus() ? now : 0;
  };
  const tellEngaged = () => {
    attend();
    if (engaged < 1000) return;
    const properties = { seconds: Math.round(engaged) / 1000 };
    record("track", { event: "Page Engaged", properties }, view);
    engaged = 0;
  };

  // Signals of trouble, each told once a page. Elements are named by tag, id and classes: no text
  // is looked at.
  const told = new Set();
  const tell = (what, about, more) => {
    const known = view.path + what + about;
    if (settings.signals === "off" || told.size === SIGNALS || told.has(known)) return;
    told.add(known);
    api.track(what, { about, ...more });
  };
  const selector = (element) =>
    [element.localName + (element.id && "#" + element.id), ...element.classList].join(".");

  let clicks = [];
  const rage = (target, x, y) => {
    const now = performance.now();
    clicks = clicks.filter(([at, left, top]) => now - at < 1000 && Math.hypot(left - x, top - y) <= 30);
    clicks.push([now, x, y]);
    if (clicks.length > 2) tell("Rage Click", selector(target));
  };
  const dead = (control) => {
    const life = new AbortController();
    const alive = () => life.abort();
    const observer = new MutationObserver(alive);
    observer.observe(doc, { subtree: true, childList: true, attributes: true, characterData: true });
    for (const sign of SIGNS.split(" "))
      addEventListener(sign, alive, { capture: true, signal: life.signal });
    setTimeout(() => {
      observer.disconnect();
      if (!life.signal.aborted) tell("Dead Click", selector(control));
      alive();
    }, DEAD_MS);
  };
  const submitted = (form) => {
    const known = view.path + " " + selector(form);
    if (form.querySelector("[type=search]")) return;
    if (read("form") === known) tell("Form Resubmitted", selector(form));
    write("form", known);
  };
  // What is quoted, addresses and long numbers may be something that was typed.
  const failed = (text, where) => {
    const clean = text.replace(/(["\x27\x60]).*?\1|\S*@\S*|\d{4,}/g, "…").slice(0, 200);
    tell("Script Error", clean, { source: where });
  };

  const api = {
    loaded: true,
    page(name = "", properties) {
      const seen = place();
      view = seen;
      if (!read("form").startsWith(seen.path + " ")) write("form");
      record("page", { name, properties }, seen);
      setTimeout(() => (seen.title = doc.title), 100); // frameworks set it after navigating
    },
    track(event, properties) {
      record("track", { event, properties });
    },
    identify(userId, traits) {
      if (typeof userId === "object") traits = userId || traits;
      else if (choice !== "denied") write("user", userId || read("user"));
      record("identify", { traits });
    },
    alias(userId, previousId = read("user") || read("id")) {
      record("alias", { userId, previousId });
    },
    reset() {
      record("reset");
      write("user");
      write("id", unique());
      write("new", 1);
      if (started && !cookieless) ask("set");
    },
    consent(state) {
      const before = started;
      unpack();
      if (state === "denied") {
        // Whoever was known so far is told about as one who opted out.
        if (before) record("track", { event: "Consent Denied", context: { gpc: true } });
        farewell();
        waiting = [];
        flying = [];
        for (const name of Object.keys(store)) if (name.startsWith(PREFIX)) delete store[name];
        if (before && !cookieless) ask("set");
      }
      choice = state;
      write("consent", state);
      if (state === "denied") write("new", 1);
      started = addressed = false;
      store = {};
      if (state === "granted" && begun) start();
    },
    push([name, ...rest]) {
      api[name]?.(...rest);
    },
  };
  for (const event of COMMERCE.split(",")) {
    const name = event[0].toLowerCase() + event.slice(1).replaceAll(" ", "");
    api[name] = (properties) => api.track(event, properties);
  }

  const arrive = () => {
    if (settings.auto === "off") view = place();
    else api.page();
  };
  const navigated = () => {
    if (place().path === view.path) return;
    tellEngaged();
    engaged = 0;
    cameFrom = view.url;
    arrive();
  };
  for (const name of ["pushState", "replaceState"]) {
    const native = history[name];
    history[name] = function (...rest) {
      native.apply(this, rest);
      navigated();
    };
  }
  const on = (name, listener) => addEventListener(name, listener, true);
  on("popstate", navigated);
  on("hashchange", navigated);
  on("focus", attend);
  on("blur", attend);
  on("online", send);
  let gone = false;
  on("visibilitychange", () => {
    attend();
    if (!doc.hidden || gone) return;
    tellEngaged();
    send();
  });
  on("pagehide", () => {
    gone = true;
    tellEngaged();
    farewell();
  });
  on("pageshow", ({ persisted }) => {
    if (!persisted) return; // it comes back from the browser's memory
    gone = false;
    since = 0;
    attend();
    arrive();
  });
  on("click", ({ target, x, y, isTrusted }) => {
    if (!isTrusted || !target.closest) return;
    rage(target, x, y);
    const control = target.closest("a,button,summary,[role=button],[onclick],[type=submit]");
    if (control) dead(control);
  });
  on("submit", ({ target }) => submitted(target));
  on("error", ({ message, filename, lineno }) => {
    if (message) failed(message, bare(filename) + ":" + lineno);
  });
  on("unhandledrejection", ({ reason }) => {
    if (reason instanceof Error) failed(reason.message, "promise");
  });

  window.footfall = api;
  let begun = false;
  attend();
  arrive();
  if (Array.isArray(early)) early.forEach(api.push);
  begun = true;
  if (choice === "granted") start();
})();
