// Visits by stock SDKs in headless Chromium: `node in_browser.mjs http://HOST:PORT PAGE:VARIANT:KEY …`.
// The pages are served from an origin of their own, so every call crosses origins. Prints, for each
// visit, what the console said and which other hosts were asked; those are not reached.
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const [collector, ...visits] = process.argv.slice(2);
const html = (name) => `<!doctype html><meta charset="utf-8"><title>A cup ☕ é</title>
<link rel="icon" href="data:,"><body><h1>A cup ☕ é</h1><script src="/${name}.js"></script>`;

const scripts = new Map();
async function script(name) {
  if (!scripts.has(name)) {
    const entry = fileURLToPath(new URL(`pages/${name}.js`, import.meta.url));
    const built = await build({
      entryPoints: [entry], bundle: true, write: false, format: "iife", logLevel: "error",
      define: { "process.env.NODE_ENV": '"production"' },
    });
    scripts.set(name, built.outputFiles[0].text);
  }
  return scripts.get(name);
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const [, name, kind] = pathname.match(/^\/([a-z]+)(\.js)?$/) ?? [];
  if (!name) return response.writeHead(404).end();
  const type = kind ? "text/javascript" : "text/html";
  response.writeHead(200, { "content-type": `${type}; charset=utf-8` });
  response.end(kind ? await script(name) : html(name));
});
await new Promise((resolve) => server.listen(0, "localhost", resolve));
const site = `http://localhost:${server.address().port}`;

const profile = mkdtempSync(join(tmpdir(), "footfall-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

async function visit(told) {
  const [name, variant, key] = told.split(":");
  const said = { console: [], failed: [], elsewhere: [] };
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (["warning", "error"].includes(message.type())) said.console.push(message.text());
  });
  page.on("pageerror", (error) => said.console.push(String(error)));
  page.on("response", (answer) => {
    if (answer.status() >= 400) said.failed.push(`${answer.status()} ${answer.url()}`);
  });
  await page.route("**/*", (route) => {
    const { origin } = new URL(route.request().url());
    if ([site, collector].includes(origin)) return route.continue();
    said.elsewhere.push(route.request().url());
    return route.abort();
  });
  const query = new URLSearchParams({ collector, key, ...(variant && { variant }) });
  await page.goto(`${site}/${name}?${query}`);
  for (let at = 0; at < 8; at += 1) await page.mouse.move(20 + at * 9, 40 + at * 7);
  await page.waitForFunction("window.finished", null, { timeout: 20_000 });
  await page.evaluate("window.finished");
  await page.goto("about:blank"); // pagehide: what waits goes out as beacons
  await page.waitForTimeout(500);
  await page.close();
  return said;
}

const said = {};
const bySdk = new Map();
for (const told of visits) {
  const [name] = told.split(":");
  bySdk.set(name, [...(bySdk.get(name) ?? []), told]);
}
try {
  // One SDK's visits are one visitor's, in order; different SDKs know nothing of each other.
  await Promise.all(
    [...bySdk.values()].map(async (own) => {
      for (const told of own) said[told.split(":")[2]] = await visit(told);
    }),
  );
} finally {
  await browser.close();
  server.close();
  rmSync(profile, { recursive: true, force: true });
}
process.stdout.write(JSON.stringify(said));
process.exit(0);
