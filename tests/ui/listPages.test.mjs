// The lists of jobs, the waiting page, the status page, and what is said when something is wrong.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeSource } from "./browser.mjs";
import { assessment, kHostile } from "./fixture.mjs";
import { close, fitsTheWindow, startWorld } from "./setup.mjs";

const job = (id, state, rest = {}) => ({ id, orthancSeriesId: `series-${id}`, orthancStudyId: "study-1", state, attempt: 1, triesLeft: 2,
  stage: "", percent: 0, reason: null, createdAt: "2026-11-24T09:00:00.000Z", updatedAt: `2026-11-24T09:0${id}:00.000Z`, ...rest });
const state = {};
let world;

before(async () => {
  Object.assign(state, {
    assessments: { "series-1": assessment() },
    jobs: [
      job(5, "waiting"), job(4, "skipped", { reason: { code: "NotFdg", text: kHostile } }),
      job(3, "failed", { attempt: 3, reason: { code: "WorkerCrashed", text: "the worker ended by signal 11" } }),
      job(2, "running", { stage: "lesions", percent: 60 }), job(1, "done"),
    ],
    studies: { one: { Series: ["series-1", "series-2"] }, many: { Series: ["series-2", "series-3"] }, none: { Series: ["other"] } },
    series: {},
    summaries: [{ ID: "study-1", MainDicomTags: { StudyDate: "20261123", StudyDescription: kHostile },
      PatientMainDicomTags: { PatientName: "Synthetic^Anna", PatientID: "SYN-0001" } }],
    status: { version: "0.1.0", enabled: true, jobs: { waiting: 1, done: 17 }, configuration: { unknownKeys: ["FedPet.Typo"], errors: [] } },
  });
  world = await startWorld(state);
});
after(() => world.stop());

test("lists each job with its state, stage, reason and time", async () => {
  const page = await world.open("#/");
  const row = async (id) => (await page.locator(`tr[data-job="${id}"]`).innerText()).replaceAll("\u202f", " ");
  assert.match(await row(2), /Running\s+lesions, 60 %/);
  assert.match(await row(3), /Failed\s+3\s+the worker ended by signal 11 WorkerCrashed\s+2026-11-24 09:03\s+Try again/);
  assert.ok(!(await row(1)).includes("Try again") && !(await row(2)).includes("Try again"));
  assert.ok((await row(4)).includes(kHostile), "a reason is text");
  assert.ok((await row(1)).startsWith(`Synthetic, Anna\nSYN-0001 / 2026-11-23 / ${kHostile}`), await row(1));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.ok(await fitsTheWindow(page));
  await close(page);
});

test("shows one state when asked to, and older jobs by the page", async () => {
  const page = await world.open("#/");
  const shown = () => page.locator("tr[data-job]").evaluateAll((rows) => rows.map((row) => Number(row.dataset.job)));
  await page.locator("#state-filter").selectOption("failed");
  await page.waitForFunction(() => document.querySelectorAll("tr[data-job]").length === 1);
  assert.deepEqual(await shown(), [3]);
  await page.locator("#state-filter").selectOption("cancelled");
  await page.waitForFunction(() => /no cancelled job/.test(document.querySelector("main").innerText));
  state.pageSize = 2;
  await page.locator("#state-filter").selectOption("");
  await page.getByRole("button", { name: "Older results" }).click();
  await page.waitForFunction(() => document.querySelectorAll("tr[data-job]").length === 4);
  await page.getByRole("button", { name: "Older results" }).click();
  await page.waitForFunction(() => document.querySelectorAll("tr[data-job]").length === 5);
  assert.deepEqual(await shown(), [5, 4, 3, 2, 1]);
  assert.equal(await page.getByRole("button", { name: "Older results" }).count(), 0);
  delete state.pageSize;
  await close(page);
});

test("names the series when Orthanc does not tell the patient", async () => {
  const { summaries } = state;
  delete state.summaries;
  const page = await world.open("#/");
  state.summaries = summaries;
  assert.ok((await page.locator('tr[data-job="1"]').innerText()).startsWith("Series series-1"));
  await page.close(); // the browser itself reports the refused request on the console
});

test("says why a series is not assessed", async () => {
  const page = await world.open("#/series/series-4", { expect404: true });
  assert.equal(await page.locator("h1").innerText(), "fedpet does not assess this series");
  assert.ok((await page.locator("main").innerText()).includes("NotFdg"));
  await close(page);
});

test("asks the plugin to retry a failed job, and shows that it waits again", async () => {
  const page = await world.open("#/");
  await page.locator('[data-retry="3"]').click();
  await page.waitForFunction(() => /Waiting/.test(document.querySelector('tr[data-job="3"]').innerText));
  assert.deepEqual(world.retried, ["3"]);
  Object.assign(state.jobs[2], { state: "failed", reason: { code: "WorkerCrashed", text: "again" } });
  await close(page);
});

test("follows a job to its result without a reload", async () => {
  const page = await world.open("#/series/series-2", { expect404: true });
  assert.match((await page.locator("main").innerText()).replaceAll("\u202f", " "), /No result for this series yet[\s\S]*lesions, 60 %/);
  state.assessments["series-2"] = assessment();
  await page.waitForSelector(".probability");
  delete state.assessments["series-2"];
  await close(page);
});

test("offers to assess a series that has no job, and shows the plugin's answer", async () => {
  const page = await world.open("#/series/unseen", { expect404: true });
  state.assessAnswer = [409, { error: "not a series to assess: NotPet, modality CT" }];
  page.on("console", () => undefined);
  await page.getByRole("button", { name: "Assess now" }).click();
  await page.waitForFunction(() => /modality CT/.test(document.querySelector("main").innerText));
  assert.deepEqual(state.assessed, ["unseen"]);
  page.complaints = page.complaints.filter((line) => !/status of 409/.test(line));
  await close(page);
});

test("opens the only finished result of a study, and lists the jobs of others", async () => {
  const page = await world.open("#/study/one", { expect404: true });
  await page.waitForSelector(".probability");
  assert.ok(page.url().endsWith("#/series/series-1"));
  await page.goto(`${world.app}#/study/many`);
  await page.waitForSelector("table.jobs");
  assert.deepEqual(await page.locator("tr[data-job]").evaluateAll((rows) => rows.map((row) => row.dataset.job)), ["3", "2"]);
  await page.goto(`${world.app}#/study/none`);
  await page.waitForFunction(() => /no result for this study/.test(document.querySelector("main").innerText));
  await close(page);
});

test("shows the plugin's status, whatever it holds", async () => {
  const page = await world.open("#/status");
  const text = await page.locator("main").innerText();
  for (const part of ["Version", "0.1.0", "Enabled", "yes", "Unknown keys", "FedPet.Typo", "17"]) assert.ok(text.includes(part), part);
  assert.equal(await page.locator('.bar a[aria-current="page"]').innerText(), "Status");
  await close(page);
});

for (const [what, answer, words] of [
  ["that fails", [500, { error: "no database" }], /error 500: no database/],
  ["that is not JSON", [200, "<html>proxy login</html>"], /not JSON/],
  ["of another release", [200, { schemaVersion: 99 }], /another release/],
  ["without its parts", [200, { schemaVersion: 1 }], /cannot be shown/],
])
  test(`says what is wrong with an answer ${what}, and tries again on demand`, async () => {
    state.assessmentAnswer = answer;
    const page = await world.open("#/series/series-1", { expect404: true });
    assert.match(await page.locator('[role="alert"]').first().innerText(), words);
    state.assessmentAnswer = undefined;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForSelector(".probability");
    await page.close(); // the browser itself reports failed requests on the console
  });

test("says so when Orthanc is gone", async () => {
  const lonely = await startWorld({ assessments: {}, jobs: [job(1, "done")] });
  try {
    const page = await lonely.open("#/");
    await lonely.stopServer();
    await page.locator('a[href="#/status"]').click();
    await page.waitForSelector('[role="alert"]');
    assert.match(await page.locator('[role="alert"]').innerText(), /does not answer/);
    await page.close();
  } finally {
    await lonely.stop();
  }
});

test("knows no other page", async () => {
  const page = await world.open("#/series/%3Cscript%3E");
  assert.equal(await page.locator("h1").innerText(), "There is no such page");
  await close(page);
});

for (const route of ["#/", "#/status", "#/study/none"])
  test(`passes axe's WCAG 2.1 AA rules and fits a phone: ${route}`, async () => {
    const page = await world.open(route, { width: 390, height: 800 });
    await page.evaluate(axeSource());
    const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
    assert.deepEqual(result.violations.map((item) => `${item.id}: ${item.nodes.map((node) => node.html).join(" | ")}`), []);
    assert.ok(await fitsTheWindow(page));
    await close(page);
  });
