// The page and its fixture speak the JSON that the plugin's C++ writes and reads.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assessment, hostileAssessment } from "./fixture.mjs";
import { close, startWorld } from "./setup.mjs";

const tool = process.env.FEDPET_UI_ASSESSMENT_TOOL;
function run(mode, input = "") {
  const result = spawnSync(tool, [mode], { input, encoding: "utf8", maxBuffer: 64 << 20 });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

test("the fixture has exactly the keys, texts and numbers that C++ reads and writes", () => {
  const sample = assessment();
  assert.deepEqual(run("parse", JSON.stringify(sample)), sample);
});

test("the page shows an assessment that C++ has written", async () => {
  const written = run("print");
  const world = await startWorld({ assessments: { written }, series: { written: { ParentStudy: "study" } } });
  try {
    const page = await world.open("#/series/written");
    const main = await page.locator("main").innerText();
    for (const item of written.wholeBody) assert.ok(main.includes(item.title), item.title);
    assert.equal(await page.locator(".lesions tbody tr").count(), written.regions.filter((region) => region.role === "Lesion").length);
    assert.equal(await page.locator(".prediction").count(), written.predictions.length);
    const shown = await page.locator(".whole-body data").evaluateAll((items) => items.map((item) => Number(item.value)));
    assert.deepEqual(shown, written.wholeBody.filter((item) => !item.refusal).map((item) => item.value));
    assert.ok(!/undefined|NaN|null|\[object/.test(main), "every value found its way to the page");
    await close(page);
  } finally {
    await world.stop();
  }
});

test("C++ does not take the hostile fixture for an assessment", () => {
  const result = spawnSync(tool, ["parse"], { input: JSON.stringify(hostileAssessment()), encoding: "utf8" });
  assert.equal(result.status, 1); // its refusal codes and times are no codes and times
});
