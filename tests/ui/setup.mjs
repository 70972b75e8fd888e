// What the tests of the page share: a server, a browser, and pages that remember every complaint.

import assert from "node:assert/strict";
import { join } from "node:path";
import { openBrowser, sourceDir } from "./browser.mjs";
import { startServer } from "./server.mjs";

export const kNarrowSpace = "\u202f";
const appDir = process.env.FEDPET_UI_APP ?? join(sourceDir, "build/dev/ui-extension/app");

export async function startWorld(world, prefix = "") {
  const server = await startServer({ appDir, sourceDir, prefix, world: Object.assign(world, { jobs: world.jobs ?? [], status: world.status ?? {} }) });
  const browser = await openBrowser();
  return {
    ...server,
    browser,
    async open(route, { width = 1280, height = 900, expect404 = false } = {}) {
      const page = await browser.newPage({ viewport: { width, height } });
      page.setDefaultTimeout(60000);
      page.complaints = [];
      page.on("pageerror", (error) => page.complaints.push(`exception: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() !== "error" && message.type() !== "warning") return;
        if (/willReadFrequently/.test(message.text())) return; // the tests read pictures, the page never does
        if (expect404 && /status of 404/.test(message.text())) return;
        page.complaints.push(`console: ${message.text()}`);
      });
      await page.goto(`${server.app}${route}`);
      await page.waitForSelector("h1");
      return page;
    },
    stopServer: server.stop,
    async stop() {
      await browser.close();
      await server.stop();
    },
  };
}

export async function close(page) {
  assert.deepEqual(page.complaints, [], "the console stays silent");
  await page.close();
}

// True when the page is not wider than the window: a phone must not scroll sideways.
export const fitsTheWindow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
