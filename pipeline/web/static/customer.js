// One customer, found by whatever the address names: who they are, and their way through time.

import { ask, minute, plain } from "./api.js";
import { $, chooseSite, customerAddress, el, findCustomers, notice, show, table } from "./dom.js";

const device = (id) => el("code", { class: "device", title: id }, id);

// An event's properties, as people read them.
function properties(text) {
  try {
    return Object.entries(JSON.parse(text))
      .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
  } catch {
    return text;
  }
}

function step(row) {
  return el("li", { class: `step ${row.kind}` },
    el("time", {}, minute(row.time)), el("b", {}, row.kind), el("span", {}, row.title),
    el("span", { class: "muted" }, row.detail.startsWith("{") ? properties(row.detail) : row.detail),
    row.device ? device(row.device) : "");
}

function choose(site, found) {
  $("several").hidden = false;
  show("choices", ...found.map((each) =>
    el("li", {}, el("a", { href: customerAddress(site, each.customer) }, each.canonical))));
}

async function draw() {
  const who = decodeURIComponent(location.pathname.replace(/^\/customers\//, ""));
  const site = chooseSite(await ask("sites"))?.site;
  $("home").href = `/?${new URLSearchParams({ site: site ?? "" })}`;
  if (!site || !who) return notice("Say who: an e-mail address, a user id, a phone number or a device.");
  const found = await ask("customer_find", { site, who });
  if (!found.length) return notice(`Nobody on ${site} is known as “${who}”.`);
  if (found.length > 1) return choose(site, found);
  const [{ customer, canonical, identifiers }] = found;
  const [cycles, devices, journey] = await Promise.all([
    ask("customer_cycles", { site, customer }), ask("customer_devices", { site, customer }),
    ask("customer_journey", { site, customer }),
  ]);
  $("name").textContent = plain(canonical);
  document.title = `${plain(canonical)} · Footfall`;
  show("identifiers", ...identifiers.map((each) => el("code", {}, each)));
  show("cycles", table(cycles, [
    ["Product", (r) => r.product], ["Bought", (r) => `${r.purchases} times`, "num"],
    ["Every", (r) => `${r.interval_days} days`, "num"], ["Expected", (r) => r.due_at.slice(0, 10), "short"], ["", (r) => r.state, "short"],
  ], "Nothing that is expected again."));
  show("devices", table(devices, [
    ["Device", (r) => device(r.device)],
    ["Theirs", (r) => (r.since.startsWith("1970") ? "from the beginning" : `from ${minute(r.since)}`)],
  ], "No device."));
  show("journey", ...journey.map(step));
  for (const section of document.querySelectorAll(".known")) section.hidden = false;
  return undefined;
}

$("site").addEventListener("change", () => {
  location.search = new URLSearchParams({ site: $("site").value });
});
findCustomers();
draw().catch((error) => notice(error.message));
