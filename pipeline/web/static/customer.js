// One customer, found by whatever the address names: who they are, and their way through time.

import { ask, minute } from "./api.js";
import { $, chooseSite, customerAddress, el, findCustomers, notice, show, table } from "./dom.js";

function step(row) {
  return el("li", { class: `step ${row.kind}` },
    el("time", {}, minute(row.time)), el("b", {}, row.kind), el("span", {}, row.title ?? ""),
    el("span", { class: "muted" }, row.detail ?? ""), el("code", {}, row.device));
}

function choose(site, found) {
  notice("Several people fit:");
  show("journey", ...found.map((each) =>
    el("li", {}, el("a", { href: customerAddress(site, each.customer) }, each.canonical))));
}

async function draw() {
  const who = decodeURIComponent(location.pathname.replace(/^\/customers\//, ""));
  const site = chooseSite(await ask("sites"))?.site;
  $("home").href = `/?${new URLSearchParams({ site: site ?? "" })}`;
  if (!site || !who) return notice("Say who: an e-mail address, a user id, a phone number or a device.");
  const found = await ask("customer_find", { site, who });
  $("name").textContent = who;
  if (!found.length) return notice(`Nobody on ${site} is known by this.`);
  if (found.length > 1) return choose(site, found);
  const [{ customer, canonical, identifiers }] = found;
  const [cycles, devices, journey] = await Promise.all([
    ask("customer_cycles", { site, customer }), ask("customer_devices", { site, customer }),
    ask("customer_journey", { site, customer }),
  ]);
  $("name").textContent = canonical;
  show("identifiers", ...identifiers.map((each) => el("code", {}, each)));
  show("cycles", table(cycles, [
    ["Product", (r) => r.product], ["Bought", (r) => `${r.purchases} times`, "num"],
    ["Every", (r) => `${r.interval_days} days`, "num"], ["Expected", (r) => r.due_at.slice(0, 10), "short"], ["", (r) => r.state],
  ], "Nothing that is expected again."));
  show("devices", table(devices, [
    ["Device", (r) => el("code", {}, r.device)],
    ["Theirs", (r) => (r.since.startsWith("1970") ? "from the beginning" : `from ${minute(r.since)}`)],
  ], "No device."));
  show("journey", ...journey.map(step));
  return undefined;
}

$("site").addEventListener("change", () => {
  location.search = new URLSearchParams({ site: $("site").value });
});
findCustomers();
draw().catch((error) => notice(error.message));
