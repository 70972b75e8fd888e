// The page and its fixture speak the JSON that the plugin's C++ writes and reads.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assessment, hostileAssessment, refusedAssessment } from "./fixture.mjs";
import {
  hostileFollowUp, notMeasurable, oldAssessment, partialResponse, unconfirmedProgression, withoutReading,
} from "./followUpFixture.mjs";
import { close, startWorld } from "./setup.mjs";

const tool = process.env.FEDPET_UI_ASSESSMENT_TOOL;
function run(mode, input = "") {
  const result = spawnSync(tool, [mode], { input, encoding: "utf8", maxBuffer: 64 << 20 });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

for (const fixture of [assessment, partialResponse, unconfirmedProgression, withoutReading, notMeasurable])
  test(`the fixture has exactly the keys, texts and numbers that C++ reads and writes: ${fixture.name}`, () => {
    const sample = fixture();
    assert.deepEqual(run("parse", JSON.stringify(sample)), sample);
  });

test("C++ reads the result of an old release as one that says nothing of the new parts", () => {
  const { percist, priors, comparison, harmonisation, identity } = run("parse", JSON.stringify(oldAssessment()));
  assert.deepEqual([percist, priors, comparison, harmonisation], [null, [], null, null]);
  assert.equal(identity.pdfSopInstanceUid, "");
});

// The judge is python3-jsonschema, as in tests/plugin; the answers are those of GET /fedpet/assessments.
const judge = "import json,sys,jsonschema\ngiven=json.load(sys.stdin)\n" +
  "document={'components':{'schemas':given['schemas']}}\nroot=jsonschema.RefResolver('',document)\n" +
  "check=jsonschema.Draft202012Validator({'$ref':'#/components/schemas/Assessment'},resolver=root)\n" +
  "print(json.dumps([e.message[:300] for e in check.iter_errors(given['answer'])]))";
const complaints = (answer) => {
  const result = spawnSync("/usr/bin/python3", ["-c", judge], { input: JSON.stringify({ schemas: run("schemas"), answer }), encoding: "utf8", maxBuffer: 64 << 20 });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
};
const noJudge = spawnSync("/usr/bin/python3", ["-c", "import jsonschema"]).status !== 0 && "python3-jsonschema is not installed";

test("every fixture and C++'s own sample are what the REST schema says of an assessment", { skip: noJudge }, () => {
  for (const fixture of [assessment, partialResponse, unconfirmedProgression, withoutReading, notMeasurable, oldAssessment, refusedAssessment])
    assert.deepEqual(complaints(fixture()), [], fixture.name);
  assert.deepEqual(complaints(run("print")), []);
});

test("the REST schema knows a key that is missing, misspelt or beside its refusal", { skip: noJudge }, () => {
  const sample = partialResponse();
  const { alignment, ...unaligned } = sample.comparison;
  assert.equal(complaints({ ...sample, comparison: unaligned }).length, 1);
  assert.equal(complaints({ ...sample, harmonisation: { ...sample.harmonisation, scaner: "" } }).length, 1);
  assert.equal(complaints({ ...sample, percist: { ...sample.percist, refusal: withoutReading().percist.refusal } }).length, 1);
  assert.equal(complaints({ ...sample, comparison: { ...sample.comparison, percist: { category: "PR", title: "" } } }).length, 1);
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
    const shown = await page.locator("#whole-body .numbers data").evaluateAll((items) => items.map((item) => Number(item.value)));
    assert.deepEqual(shown, written.wholeBody.filter((item) => !item.refusal).map((item) => item.value));
    assert.ok(!/undefined|NaN|null|\[object/.test(main), "every value found its way to the page");
    await close(page);
  } finally {
    await world.stop();
  }
});

for (const fixture of [hostileAssessment, hostileFollowUp])
  test(`C++ does not take a hostile fixture for an assessment: ${fixture.name}`, () => {
    const result = spawnSync(tool, ["parse"], { input: JSON.stringify(fixture()), encoding: "utf8" });
    assert.equal(result.status, 1); // its refusal codes and times are no codes and times
  });
