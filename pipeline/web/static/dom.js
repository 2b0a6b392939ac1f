// Elements from text. What visitors sent becomes text nodes only: no markup is ever parsed here.

export const $ = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.map((child) => (child instanceof Node ? child : String(child ?? ""))));
  return element;
}

// columns: [title, row => text or Node, "num" for figures]
export function table(rows, columns, empty) {
  if (!rows.length) return el("p", { class: "muted" }, empty);
  const head = el("tr", {}, ...columns.map(([title, , kind]) => el("th", { class: kind ?? "" }, title)));
  const body = rows.map((row) =>
    el("tr", {}, ...columns.map(([, cell, kind]) => el("td", { class: kind ?? "" }, cell(row)))),
  );
  return el("table", {}, el("thead", {}, head), el("tbody", {}, ...body));
}

export const show = (id, ...nodes) => $(id).replaceChildren(...nodes);

export function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

// The site chosen in the address, else the busiest; the menu follows.
export function chooseSite(sites) {
  const wanted = new URLSearchParams(location.search).get("site");
  const site = sites.find((s) => s.site === wanted) ?? sites[0];
  show("site", ...sites.map((s) => el("option", { value: s.site }, s.site)));
  $("site").value = site?.site ?? "";
  return site;
}

export const customerAddress = (site, who) =>
  `/customers/${encodeURIComponent(who)}?${new URLSearchParams({ site })}`;

export function findCustomers() {
  $("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const who = new FormData(event.target).get("who").trim();
    if (who) location.assign(customerAddress($("site").value, who));
  });
}
