// node screenshot.mjs URL OUTPUT.png [--width 1280] [--height 900] [--full] [--pdf OUTPUT.pdf]
// A picture of the page as Debian's Chromium draws it. FEDPET_UI_MODULES names the folder that install.sh
// has filled (build/dev/tests/ui without it).

import { parseArgs } from "node:util";
import { openBrowser } from "./browser.mjs";

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  width: { type: "string", default: "1280" }, height: { type: "string", default: "900" },
  full: { type: "boolean", default: false }, pdf: { type: "string" } } });
const [url, output] = positionals;
if (!url || !output) {
  console.error("usage: screenshot.mjs URL OUTPUT.png [--width 1280] [--height 900] [--full] [--pdf OUTPUT.pdf]");
  process.exit(2);
}
const browser = await openBrowser();
try {
  const page = await browser.newPage({ viewport: { width: Number(values.width), height: Number(values.height) }, deviceScaleFactor: 2 });
  await page.goto(url);
  await page.waitForSelector("h1");
  await page.waitForTimeout(500); // the links to SR and SEG come after the page
  await page.screenshot({ path: output, fullPage: values.full });
  if (values.pdf) await page.pdf({ path: values.pdf, preferCSSPageSize: true, printBackground: true });
} finally {
  await browser.close();
}
