// The overview: asks the named queries again every ten seconds and redraws. "Now" is the log's.

import { ask, millis, minute, percent, plain, status, whole } from "./api.js";
import { chart } from "./chart.js";
import { $, chooseSite, customerAddress, el, findCustomers, notice, show, table } from "./dom.js";

const DAY = 86_400_000;
const STEPS = { 1: 1800, 7: 6 * 3600, 30: 86_400 };
const REFRESH = 10_000;

const REASONS = 6;
const BOOKS = [
  ["received", "by collectors"],
  ["stored", "rows in the warehouse"],
  ["repeats", "known as sent before"],
  ["merged", "repeats from beyond the window in which they are known; one row is kept"],
  ["rejected", "refused, with a reason"],
  ["in flight", "in the log, not read yet"],
];

const link = (site, who, text) => el("a", { href: customerAddress(site, who) }, text);
const flagged = (row) => (row.flag ? el("span", { class: "bad" }, "broken") : "");

function interval(row) {
  if (row.share === null) return el("span", { class: "muted" }, "not learned yet");
  const bar = el("span", { class: "bar" }, el("span", { class: "range" }), el("span", { class: "norm" }));
  bar.children[0].style.left = `${100 * row.low}%`;
  bar.children[0].style.width = `${100 * (row.high - row.low)}%`;
  bar.children[1].style.left = `${100 * row.page_share}%`;
  bar.title = `${percent(row.low)} to ${percent(row.high)}; the page on all devices: ${percent(row.page_share)}`;
  return bar;
}

const sound = (alarms) => show("alarms", ...alarms.map((a) =>
  el("p", { class: "alarm" }, el("b", {}, a.part), ` ${a.text} `, el("span", { class: "muted" }, a.advice))));

const parts = {
  async tiles(span) {
    const [[totals], revenue] = await Promise.all([ask("overview_totals", span), ask("revenue", span)]);
    const tile = (name, value, hint) =>
      el("div", { class: "tile" }, el("b", {}, value), el("span", {}, name), el("small", { class: "muted" }, hint));
    show("tiles",
      tile("visitors", whole(totals.visitors)),
      tile("finished sessions", whole(totals.sessions), "over after 30 quiet minutes"),
      tile("page views", whole(totals.page_views)), tile("orders", whole(totals.orders)),
      ...revenue.slice(0, 2).map((r) => tile(`revenue, ${r.currency || "no currency"}`, whole(Math.round(r.revenue)))),
    );
  },
  async charts(span, step) {
    const rows = await ask("overview_series", { ...span, step });
    const one = (title, column) =>
      el("figure", {}, el("figcaption", {}, title), chart(title, rows.map((r) => [r.time, Number(r[column])])));
    show("charts", one("Visitors", "visitors"), one("Finished sessions", "sessions"),
      one("Page views", "page_views"), one("Orders", "orders"));
  },
  async dropoff(span) {
    const [pages, flags] = await Promise.all([ask("dropoff_pages", span), ask("flags", span)]);
    show("flags", ...flags.slice(0, 5).map((f) =>
      el("p", { class: f.state === "broke" ? "flag bad" : "flag good" }, el("b", {}, minute(f.time)), " ", f.reason)));
    show("dropoff", table(pages.slice(0, 20), [
      ["Page", (r) => r.page], ["Device", (r) => r.device_class, "short"], ["Reached", (r) => whole(r.attempts), "num"],
      ["Went forward", (r) => percent(r.share), "num"], ["", interval],
      ["Site's norm", (r) => percent(r.norm), "num"], ["Left the site", (r) => whole(r.left_site), "num"], ["", flagged, "short"],
    ], "No page view is decided yet: that happens 5 minutes after it (FOOTFALL_HORIZON)."));
    const learning = pages.some((r) => r.share === null);
    show("learning", learning ? "What leads forward is learned from ten purchases and 30 views of a page, or said by FOOTFALL_FUNNEL." : "");
  },
  async due({ site }) {
    const rows = await ask("cycles_due", { site });
    show("due", table(rows.slice(0, 12), [
      ["Customer", (r) => link(site, r.person_id, plain(r.customer))], ["Product", (r) => r.product],
      ["Every", (r) => `${r.interval_days} days`, "num"], ["Expected", (r) => r.due_at.slice(0, 10), "short"],
      ["", (r) => el("span", { class: r.state === "late" ? "warn" : "" }, r.state), "short"],
    ], "Nobody is due."));
  },
  async triggers(span) {
    const rows = await ask("triggers", span);
    show("triggers", table(rows.slice(0, 12), [
      ["Time", (r) => minute(r.time), "short"], ["Rule", (r) => r.rule, "short"],
      ["About", (r) => (r.person_id ? link(span.site, r.person_id, plain(r.about) || r.person_id) : r.about)],
      ["Reason", (r) => r.reason],
    ], "None in this range."));
  },
  async pages(span) {
    show("pages", table((await ask("top_pages", span)).slice(0, 10), [
      ["Page", (r) => r.page], ["Views", (r) => whole(r.views), "num"], ["Visitors", (r) => whole(r.visitors), "num"],
    ], "No page views in this range."));
  },
  async referrers(span) {
    show("referrers", table((await ask("referrers", span)).slice(0, 10), [
      ["Kind", (r) => r.medium, "short"], ["Place", (r) => r.source], ["Visitors", (r) => whole(r.visitors), "num"],
    ], "No referrers in this range."));
  },
  async campaigns(span) {
    show("campaigns", table((await ask("campaigns", span)).slice(0, 10), [
      ["Source", (r) => r.source], ["Medium", (r) => r.medium], ["Campaign", (r) => r.campaign],
      ["Visitors", (r) => whole(r.visitors), "num"], ["Ad clicks", (r) => whole(r.clicks), "num"],
    ], "Nobody came by a link with utm_… or a click id."));
  },
  async surroundings(span) {
    const [browsers, countries] = await Promise.all([ask("browsers", span), ask("countries", span)]);
    show("browsers", table(browsers.slice(0, 8), [
      ["Browser", (r) => r.browser_name], ["System", (r) => r.system], ["Visitors", (r) => whole(r.visitors), "num"],
    ], "No browsers in this range."));
    show("countries", table(countries.slice(0, 8), [
      ["Country", (r) => r.country], ["Visitors", (r) => whole(r.visitors), "num"],
      ["Page views", (r) => whole(r.page_views), "num"],
    ], "No countries are known: the collector needs a file of them (FOOTFALL_COUNTRIES)."));
  },
  async bots(span) {
    show("bots", table((await ask("bots", span)).slice(0, 10), [
      ["Bot", (r) => r.bot_name], ["Page views", (r) => whole(r.page_views), "num"],
      ["Events", (r) => whole(r.events_sent), "num"],
    ], "No bots in this range."));
  },
  async support(span) {
    const { site, to } = span;
    const [states, scores] = await Promise.all([ask("tickets_states", { site, to }), ask("satisfaction", span)]);
    show("tickets", table(states, [["Tickets", (r) => r.state], ["", (r) => whole(r.tickets), "num"]], "No tickets."));
    show("satisfaction", table(scores, [
      ["Asked", (r) => r.kind], ["Answers", (r) => whole(r.answers), "num"],
      ["Average", (r) => r.average, "num"], ["Happy", (r) => percent(r.happy), "num"],
    ], "No ratings in this range."));
  },
  async books({ from, to }) {
    const [{ books, alarms }, rejects] = await Promise.all([status(), ask("rejects_reasons", { from, to })]);
    sound(alarms);
    const balance = books.difference
      ? el("b", { class: "bad" }, `${whole(books.difference)} missing`)
      : el("b", { class: "good" }, "balanced");
    show("books", table("received" in books ? BOOKS : [], [
      ["Events", ([name]) => name, "short"], ["", ([name]) => whole(books[name.replace(" ", "_")]), "num"],
      [balance, ([, meaning]) => el("span", { class: "muted" }, meaning)],
    ], "The log or the warehouse does not answer."));
    const others = rejects.length - REASONS;
    show("rejects", table(rejects.slice(0, REASONS), [
      ["Rejected", (r) => r.reason, "short"], ["", (r) => whole(r.rejects), "num"],
      ["For example", (r) => r.example],
    ], "Nothing was rejected in this range."), ...(others > 0 ? [el("p", {}, `and ${others} other reasons: `,
      el("code", {}, "footfall rejects list"))] : []));
  },
};

async function draw() {
  const site = chooseSite(await ask("sites"));
  if (!site) {
    sound((await status()).alarms);
    return notice("No events yet. Put the snippet on a page, or run `footfall demo`.");
  }
  const days = Number($("range").value);
  const to = Math.max(0, millis(site.now)) + 1;
  const span = { site: site.site, from: to - days * DAY, to };
  $("asof").textContent = `as of ${minute(site.now)} UTC`;
  const failures = await Promise.allSettled([
    parts.tiles(span), parts.charts(span, STEPS[days]), parts.dropoff(span), parts.due(span),
    parts.triggers(span), parts.pages(span), parts.referrers(span), parts.campaigns(span),
    parts.surroundings(span), parts.bots(span), parts.support(span), parts.books(span),
  ]);
  const failed = failures.find((each) => each.status === "rejected");
  return notice(failed ? failed.reason.message : "");
}

async function keepDrawing() {
  if (!document.hidden) await draw().catch((error) => notice(error.message));
  setTimeout(keepDrawing, REFRESH);
}

function chosen() {
  history.replaceState(null, "", `?${new URLSearchParams({ site: $("site").value, range: $("range").value })}`);
  draw().catch((error) => notice(error.message));
}

const range = new URLSearchParams(location.search).get("range");
if (range in STEPS) $("range").value = range;
$("site").addEventListener("change", chosen);
$("range").addEventListener("change", chosen);
findCustomers();
keepDrawing();
