// The worker's JSON: rows of named queries as objects. Nothing here knows what they mean.

// Pages of other sites cannot send this without asking first (pipeline/web/foreign.py).
const OURS = { headers: { "X-Footfall": "1" } };

export async function ask(name, params = {}) {
  const response = await fetch(`/api/named/${name}?${new URLSearchParams(params)}`, OURS);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer.rows.map((row) => Object.fromEntries(answer.names.map((n, i) => [n, row[i]])));
}

// The worker's own account: how far it is, and the books.
export async function status() {
  const response = await fetch("/api/status", OURS);
  if (!response.ok) throw new Error(`The worker answers ${response.status}.`);
  return response.json();
}

// Times come as "2026-01-31 14:05:00.000", UTC.
export const millis = (text) => Date.parse(text.replace(" ", "T") + "Z");
export const minute = (text) => text.slice(0, 16);
export const whole = (n) => Number(n ?? 0).toLocaleString("en");
export const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`);
// An identifier without its kind.
export const plain = (identifier) => identifier.replace(/^[a-z_]+:/, "");
