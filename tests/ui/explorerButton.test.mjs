// What the page and its button rest on, in a real Orthanc: its Explorer and its answers. Runs in a network namespace of its own
// (Orthanc 1.10 binds every address), so its ports can be fixed.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openBrowser, sourceDir } from "./browser.mjs";

const kBase = "http://127.0.0.1:8042";
let folder, orthanc, browser, ids;

before(async () => {
  execFileSync("ip", ["link", "set", "lo", "up"]);
  folder = await mkdtemp(join(tmpdir(), "fedpet-explorer-"));
  const configuration = join(folder, "orthanc.json");
  await writeFile(configuration, JSON.stringify({ StorageDirectory: join(folder, "db"), IndexDirectory: join(folder, "db"), HttpPort: 8042,
    DicomServerEnabled: false, RemoteAccessAllowed: false, AuthenticationEnabled: false, Plugins: [] }));
  orthanc = spawn("Orthanc", [configuration], { stdio: ["ignore", "ignore", "ignore"] });
  for (let tries = 0; ; ++tries) {
    try {
      if ((await fetch(`${kBase}/system`)).ok) break;
    } catch {
      assert.ok(tries < 300 && orthanc.exitCode === null, "Orthanc starts");
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const created = await (await fetch(`${kBase}/tools/create-dicom`, { method: "POST",
    body: JSON.stringify({ Tags: { Modality: "PT", PatientName: "Synthetic^Anna", PatientID: "SYN-0001", StudyDescription: "FDG" } }) })).json();
  ids = { study: created.ParentStudy, series: created.ParentSeries };
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  if (orthanc && orthanc.exitCode === null) {
    orthanc.kill();
    await new Promise((resolve) => orthanc.on("exit", resolve));
  }
  if (folder) await rm(folder, { recursive: true, force: true });
});

// Orthanc Explorer with our script as the plugins' script, perhaps behind another plugin's.
async function explorer(route, foreign = "") {
  const page = await browser.newPage();
  page.setDefaultTimeout(20000);
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.message));
  const script = await readFile(join(sourceDir, "ui-extension/explorer.js"), "utf8");
  await page.route("**/plugins/explorer.js", (call) => call.fulfill({ contentType: "application/javascript", body: `${foreign}\n${script}` }));
  await page.goto(`${kBase}/app/explorer.html#${route}`);
  return page;
}

for (const level of ["study", "series"])
  test(`leads from the ${level} page to its result`, async () => {
    const page = await explorer(`${level}?uuid=${ids[level]}`);
    const button = page.locator(`#fedpet-${level}-button`);
    await button.waitFor();
    assert.match(await button.innerText(), /fedpet result/);
    assert.equal(await button.evaluate((link) => link.href), `${kBase}/fedpet/app/index.html#/${level}/${ids[level]}`);
    assert.equal(await button.getAttribute("target"), "_blank");
    assert.ok((await button.getAttribute("class")).includes("ui-btn"), "it looks like Orthanc's own buttons");
    assert.deepEqual(page.complaints, []);
    await page.close();
  });

test("stays one button after coming back, and follows the page to another level", async () => {
  const page = await explorer(`study?uuid=${ids.study}`);
  await page.locator("#fedpet-study-button").waitFor();
  await page.evaluate((id) => { window.location.hash = `series?uuid=${id}`; }, ids.series);
  await page.locator("#fedpet-series-button").waitFor();
  await page.goBack();
  await page.locator("#study.ui-page-active").waitFor();
  assert.equal(await page.locator("#fedpet-study-button").count(), 1);
  await page.close();
});

test("leaves no global name behind, and no exception where jQuery is missing", async () => {
  const page = await explorer("lookup");
  await page.waitForFunction(() => window.$ && window.$.mobile);
  assert.deepEqual(await page.evaluate(() => Object.keys(window).filter((name) => /fedpet|addButton/i.test(name))), []);
  const script = await readFile(join(sourceDir, "ui-extension/explorer.js"), "utf8");
  const bare = await browser.newPage();
  const complaints = [];
  bare.on("pageerror", (error) => complaints.push(error.message));
  await bare.setContent("<h1>no jQuery</h1>");
  await bare.addScriptTag({ content: script });
  assert.deepEqual(complaints, []);
  await page.close();
  await bare.close();
});

// server.mjs plays these for the tests of the result page: a real one must give the same.
test("answers what the result page asks: lookups, a PDF, the frames of a picture", async () => {
  const ask = async (path, init) => {
    const response = await fetch(`${kBase}${path}`, init);
    assert.equal(response.status, 200, path);
    return response;
  };
  const store = async (content) => (await ask("/tools/create-dicom", { method: "POST",
    body: JSON.stringify({ Parent: ids.study, Tags: {}, Content: content }) })).json();
  const uidOf = async (instance, name) => (await (await ask(`/instances/${instance}/simplified-tags`)).json())[name];
  const lookUp = async (uid) => (await ask("/tools/lookup", { method: "POST", body: uid })).json();
  const pdf = await store(`data:application/pdf;base64,${Buffer.from("%PDF-1.4 synthetic").toString("base64")}`);
  const picture = await store("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==");

  for (const made of [pdf, picture])
    assert.deepEqual((await lookUp(await uidOf(made.ID, "SOPInstanceUID"))).map(({ ID, Type }) => [ID, Type]), [[made.ID, "Instance"]]);
  assert.deepEqual((await lookUp(await uidOf(pdf.ID, "StudyInstanceUID"))).map(({ ID, Type }) => [ID, Type]), [[ids.study, "Study"]]);
  assert.deepEqual(await lookUp("2.25.404"), []);
  const shown = await ask(`/instances/${pdf.ID}/pdf`);
  assert.equal(shown.headers.get("content-type"), "application/pdf");
  assert.match(await shown.text(), /^%PDF-1\.4/);
  assert.deepEqual(await (await ask(`/instances/${picture.ID}/frames`)).json(), [0]);
  assert.equal((await ask(`/instances/${picture.ID}/frames/0/preview`)).headers.get("content-type"), "image/png");
  const series = await (await ask(`/studies/${ids.study}/series`)).json();
  assert.ok(series.some((item) => item.ID === ids.series && item.MainDicomTags.Modality === "PT"));
});
