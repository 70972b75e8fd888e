// Debian's Chromium under playwright-core, from where install.sh has put it.

import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const sourceDir = resolve(fileURLToPath(import.meta.url), "../../..");
const modules = process.env.FEDPET_UI_MODULES ?? join(sourceDir, "build/dev/tests/ui");
const require = createRequire(join(modules, "package.json"));

export const axeSource = () => require("axe-core").source;

export async function openBrowser() {
  const { chromium } = require("playwright-core");
  // The sandbox needs privileges that containers do not give; the pages here are our own.
  return chromium.launch({ executablePath: process.env.FEDPET_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}
