// PERCIST, follow-up, harmonisation and the objects for eyes: shown as the assessment says, or not at all.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeSource } from "./browser.mjs";
import { assessment, kHostile, refusedAssessment } from "./fixture.mjs";
import {
  hostileFollowUp, kHarmonised, kNoSul, kOtherRule, notMeasurable, oldAssessment, partialResponse, unconfirmedProgression, withoutReading,
} from "./followUpFixture.mjs";
import { close, fitsTheWindow, kNarrowSpace, startWorld } from "./setup.mjs";

const sample = partialResponse();
const longWord = "W".repeat(300);
const awkward = { ...sample, priors: [{ ...sample.priors[0], producer: longWord }], comparison: { ...sample.comparison, alignment: longWord,
  earlier: { ...sample.comparison.earlier, producer: longWord }, reasons: [longWord], lesions: [{ ...sample.comparison.lesions[0], note: longWord, trackingUid: "", trackingId: longWord }] },
  harmonisation: { ...kHarmonised, statement: longWord, scanner: longWord } };
const nothing = { ...sample.priors[1], tmtvMl: 0, tlgG: 0, sulPeak: 0, scannedAt: sample.series.seriesDateTime };
const zero = (list) => list.map((item) => (item.value === undefined ? item : { ...item, value: 0 }));
const odd = { ...sample, comparison: null, wholeBody: zero(sample.wholeBody), percist: { ...sample.percist, numbers: zero(sample.percist.numbers) },
  priors: [{ ...sample.priors[1], scannedAt: "1970-01-01T00:00:00.000000" }, nothing] };
const state = {
  assessments: { pmr: sample, upmd: unconfirmedProgression(), nosul: withoutReading(), none: notMeasurable(), first: assessment(),
    old: oldAssessment(), hostile: hostileFollowUp(), awkward, odd, refused: { ...partialResponse(), ...refusedAssessment() } },
  instances: { "2.25.11": "sr-instance", "2.25.13": "seg-instance", "2.25.16": "pdf-instance", "2.25.18": "mip-instance" },
  frames: { "mip-instance": 36 },
  studyUids: { "2.25.501": "study-baseline", "2.25.511": "study-interim", "2.25.521": "study-foreign" },
  // The baseline was assessed here, the interim study on two series, the foreign one never.
  studySeries: {
    "study-baseline": [{ ID: "ct", MainDicomTags: { Modality: "CT" } }, { ID: "pet-baseline", MainDicomTags: { Modality: "PT" } }],
    "study-interim": ["pet-a", "pet-b"].map((ID) => ({ ID, MainDicomTags: { Modality: "PT" } })),
    "study-foreign": [{ ID: "pet-foreign", MainDicomTags: { Modality: "PT" } }],
  },
  jobs: ["pet-baseline", "pet-a", "pet-b"].map((id, index) => ({ id: index + 1, orthancSeriesId: id, state: "done" }))
    .concat({ id: 9, orthancSeriesId: "pet-foreign", state: "failed" }),
};
state.series = Object.fromEntries(Object.keys(state.assessments).map((id) => [id, { ParentStudy: `study-of-${id}` }]));
let world;

before(async () => {
  world = await startWorld(state);
});
after(() => world.stop());

const valuesIn = (locator) => locator.locator("data").evaluateAll((items) => items.map((item) => Number(item.value)));
const plain = (text) => text.replaceAll(kNarrowSpace, " ").replaceAll("\u2212", "-");

// ---- PERCIST ------------------------------------------------------------------------------------

test("shows PERCIST's reference, threshold and the hottest lesion, and that it is measurable", async () => {
  const page = await world.open("#/series/first");
  const part = page.locator("#percist");
  const text = plain(await part.innerText());
  // Hand calculation: liver SUV 2.37 +- 0.21, SUL = 0.683 SUV: 1.5 x 1.619 + 2 x 0.143 = 2.715;
  // hottest lesion 13.8 x 0.86 x 0.683 = 8.106.
  for (const words of ["Measurable by PERCIST. The hottest lesion, Lesion 1, has SULpeak 8.11 g/ml, at least the threshold of 2.71 g/ml.", "Reference: liver."])
    assert.ok(text.includes(words), `${words} in ${text}`);
  const { numbers } = assessment().percist;
  assert.deepEqual(await valuesIn(part.locator(".numbers")), numbers.map((item) => item.value));
  for (const item of numbers) assert.equal(await part.locator(`tr[data-quantity="${item.quantity}"] .definition`).innerText(), item.definition);
  await close(page);
});

test("does not call measurable what has no lesion, and gives the reason", async () => {
  const page = await world.open("#/series/none");
  const text = await page.locator("#percist").innerText();
  assert.ok(text.includes("Not measurable by PERCIST. No lesion was found."));
  assert.ok(text.includes("NoLesion") && !text.includes("8.1"));
  await close(page);
});

test("gives the reason and no number where PERCIST was refused", async () => {
  const page = await world.open("#/series/nosul");
  const part = page.locator("#percist");
  const text = await part.innerText();
  for (const words of ["No PERCIST reading is given", kNoSul.explanation, kNoSul.detail, kNoSul.code]) assert.ok(text.includes(words), words);
  assert.equal(await part.locator("data, table").count(), 0);

  const card = page.locator(".category");
  assert.equal(await card.count(), 1, "a reason that both share is told once");
  assert.ok((await card.innerText()).includes(kNoSul.code));
  assert.equal(await card.locator(".answer").count(), 0);
  assert.ok(!/\b(CMR|PMR|PMD|UPMD|CPMD)\b/.test(await page.locator("#follow-up").innerText()));
  assert.equal(await page.locator('#follow-up tr[data-quantity="SULpeakChange"] data').count(), 0);
  // Columns then and now of SULpeak: what the earlier study measured stays, what was refused now is not shown.
  for (const row of await page.locator('.changes tr[data-fate="Matched"]').all()) {
    assert.equal(await row.locator("td").nth(3).locator("data").count(), 1);
    assert.equal(await row.locator("td").nth(4).locator("data").count(), 0);
  }
  await close(page);
});

test("shows nothing of a comparison or a reading when the study was refused", async () => {
  const page = await world.open("#/series/refused");
  assert.equal(await page.locator("#follow-up, #percist, .trend, data, .harmonisation").count(), 0);
  assert.equal(await page.locator("#link-mip, #link-seg").count(), 0);
  await close(page);
});

// ---- follow-up ----------------------------------------------------------------------------------

test("says the category in words with its rules, changes and the study compared with", async () => {
  const page = await world.open("#/series/pmr");
  const part = page.locator("#follow-up");
  const text = plain(await part.innerText());
  assert.deepEqual((await part.locator(".category").allInnerTexts()).map((words) => words.replace(/\s+/g, " ")),
    ["PERCIST 1.0 PMR Partial metabolic response", "iPERCIST (immunotherapy) PMR Partial metabolic response"]);
  for (const words of [...sample.comparison.reasons, ...sample.comparison.warnings, sample.comparison.alignment,
    "Compared with the study of 2026-08-17, 98 days earlier, reported by fedpet 0.3.0."]) assert.ok(text.includes(words), words);
  for (const change of sample.comparison.changes) {
    const row = part.locator(`tr[data-quantity="${change.quantity}"]`);
    const [shown] = await row.locator("data").allInnerTexts();
    assert.equal(plain(shown), `${change.value.toFixed(1)} %`, "with its sign");
    assert.equal((await valuesIn(row))[0], change.value);
  }
  assert.match(plain(await part.locator('tr[data-quantity="TMTVchange"]').innerText()), /From 241\.8 ml to 98\.7 ml/);
  await close(page);
});

test("says that a progression under immunotherapy still has to be confirmed", async () => {
  const page = await world.open("#/series/upmd");
  const [percist, immune] = await page.locator(".category").allInnerTexts();
  assert.match(percist, /PMD\s+Progressive metabolic disease$/);
  assert.match(immune, /UPMD\s+Unconfirmed progressive metabolic disease[^]*4 to 8 weeks/);
  const refused = page.locator('#follow-up tr[data-quantity="TLGchange"]');
  assert.ok((await refused.innerText()).includes(kOtherRule.detail));
  assert.equal(await refused.locator("data").count(), 0);
  await close(page);
});

test("lists each lesion's fate with its values then and now", async () => {
  const page = await world.open("#/series/upmd");
  const { lesions } = unconfirmedProgression().comparison;
  const rows = await page.locator(".changes tbody tr").all();
  assert.equal(rows.length, lesions.length);
  for (const [index, change] of lesions.entries()) {
    const cells = await rows[index].locator("td").all();
    assert.equal(await cells[0].innerText(), { Matched: "matched", NewLesion: "new", Resolved: "resolved" }[change.fate]);
    const wanted = ["earlierVolumeMl", "volumeMl", "earlierSulPeak", "sulPeak", "earlierSuvMax", "suvMax"].map((key) => change[key]);
    for (const [column, value] of wanted.entries()) assert.deepEqual(await valuesIn(cells[column + 1]), value === undefined ? [] : [value]);
    assert.equal(await cells[7].locator("data").count(), change.fate === "Matched" ? 1 : 0, "a distance is that between two lesions");
  }
  assert.ok((await page.locator("#follow-up").innerText()).includes("5 matched, 2 new, 1 resolved."));
  await close(page);
});

test("marks a lesion in the pictures and in the table of lesions, from wherever it is named", async () => {
  const page = await world.open("#/series/pmr");
  const button = page.locator(".changes button", { hasText: "Lesion 6" });
  await button.focus();
  await page.keyboard.press("Enter");
  assert.deepEqual(await page.locator(".lesions tr.selected th").allInnerTexts(), ["Lesion 6"]);
  await page.locator("#percist button").click();
  assert.deepEqual(await page.locator(".lesions tr.selected th").allInnerTexts(), ["Lesion 1"]);
  assert.equal(await page.locator(".changes button", { hasText: "Lesion 8" }).count(), 0, "a resolved lesion is in no picture");
  await close(page);
});

test("draws the trend where the numbers are, on one scale of time", async () => {
  const page = await world.open("#/series/pmr");
  const charts = await page.locator(".trend").all();
  assert.equal(charts.length, 3);
  const read = (chart) => chart.evaluate((picture) => {
    const number = (node, name) => Number(node.getAttribute(name));
    const ticks = [...picture.querySelectorAll(".axis, .grid")].map((line) => number(line, "y1"));
    const labels = [...picture.querySelectorAll('.tick[text-anchor="end"]')].slice(0, ticks.length).map((node) => Number(node.textContent));
    const points = [...picture.querySelectorAll(".point")].map((node) => ({ now: node.classList.contains("now"), square: node.tagName === "rect",
      x: node.tagName === "rect" ? number(node, "x") + 4.5 : number(node, "cx"), y: node.tagName === "rect" ? number(node, "y") + 4.5 : number(node, "cy") })).sort((one, other) => one.x - other.x);
    return { points, zero: ticks[0], perUnit: (ticks[0] - ticks.at(-1)) / labels.at(-1), lines: picture.querySelectorAll(".join").length,
             dashed: picture.querySelectorAll(".unlike").length, said: picture.getAttribute("aria-label") };
  });
  const [tmtv, tlg, sul] = await Promise.all(charts.map(read));
  const close0 = (a, b) => Math.abs(a - b) < 0.6;
  const volumes = [198.5, 241.8, 168.2, sample.wholeBody[0].value];
  for (const [index, value] of volumes.entries()) assert.ok(close0((tmtv.zero - tmtv.points[index].y) / tmtv.perUnit, value), `${value} ml`);
  // Days from 2026-06-02 to the others: 76, 125, 174 (less three hours of the day).
  const [a, b, c, d] = tmtv.points.map((point) => point.x);
  assert.ok(Math.abs((b - a) / (d - a) - 76 / 174) < 0.005 && Math.abs((c - a) / (d - a) - 125 / 174) < 0.005);
  assert.deepEqual(tmtv.points.map((point) => [point.now, point.square]), [[false, true], [false, false], [false, false], [true, false]]);
  assert.deepEqual([tmtv.lines, tmtv.dashed], [3, 1], "dashed only where the lesion rules differ");
  assert.deepEqual([tlg.points.length, tlg.lines], [2, 0], "no line across a study that gave no TLG");
  assert.deepEqual([sul.points.length, sul.lines, sul.dashed], [3, 2, 0]);
  assert.match(tmtv.said, /TMTV in ml over time\. 2026-06-02: 198\.5; 2026-08-17: 241\.8; 2026-10-05: 168\.2; 2026-11-23: 98\.7/);
  await close(page);
});

test("draws studies of one moment, of no known date, and without any uptake", async () => {
  const page = await world.open("#/series/odd");
  assert.equal(await page.locator(".trend .point").count(), 3 * 2, "a study without a date is in no trend");
  const numbers = await page.locator(".trend :is(line, circle, rect, text)").evaluateAll((nodes) => nodes.flatMap((node) =>
    ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy"].flatMap((name) => node.getAttribute(name) ?? [])));
  assert.ok(numbers.length > 50 && numbers.every((text) => Number.isFinite(Number(text)) && Number(text) >= -20 && Number(text) <= 400), String(numbers));
  assert.match(await page.locator(".studies tbody tr").first().innerText(), /^date not known/);
  assert.match(await page.locator("#follow-up").innerText(), /This study was not compared with an earlier one/);
  await close(page);
});

test("gives the trend's numbers as a table, and links to the earlier results that are here", async () => {
  const page = await world.open("#/series/pmr");
  await page.waitForSelector(".studies tbody tr:nth-child(3) a");
  const rows = await page.locator(".studies tbody tr").all();
  assert.equal(rows.length, 4);
  assert.deepEqual(await valuesIn(rows[0]), [198.5, 19.4, 6]);
  assert.deepEqual(await valuesIn(rows[2]), [168.2, 17.9, 10.2, 8]);
  assert.match(await rows[1].innerText(), /^2026-08-17 compared with/);
  const hash = (row) => row.locator("a").evaluateAll((links) => links.map((link) => new URL(link.href).hash));
  assert.deepEqual(await hash(rows[0]), [], "never assessed here");
  assert.deepEqual(await hash(rows[1]), ["#/series/pet-baseline"]);
  assert.deepEqual(await hash(rows[2]), ["#/study/study-interim"], "two series: the study's page lets choose");
  assert.equal(new URL(await page.locator(".against a").evaluate((link) => link.href)).hash, "#/series/pet-baseline");
  assert.match(await page.locator(".against a").textContent(), /^Its result of the study of 2026-08-17$/);
  await close(page);
});

test("says that there is no earlier study, and draws no trend of one point", async () => {
  const page = await world.open("#/series/first");
  assert.match(await page.locator("#follow-up").innerText(), /No earlier study of this patient with a report was found/);
  assert.equal(await page.locator(".trend, .category, .studies, .changes").count(), 0);
  await close(page);
});

test("shows the result of an old release without the parts that it did not know", async () => {
  const page = await world.open("#/series/old");
  assert.equal(await page.locator("#follow-up, #percist, .harmonisation, .cine details").count(), 0);
  assert.equal(await page.locator("#whole-body .numbers data").count(), assessment().wholeBody.filter((item) => !item.refusal).length);
  assert.ok(!(await page.locator("main").innerText()).includes("Harmonisation"));
  await page.waitForSelector("#link-seg");
  assert.equal(await page.locator("#link-pdf, #link-mip").count(), 0);
  assert.ok(!/undefined|NaN|null|\[object/.test(await page.locator("main").innerText()));
  await close(page);
});

// ---- harmonisation ------------------------------------------------------------------------------

test("says beside the numbers what was done to make scanners comparable", async () => {
  const page = await world.open("#/series/pmr");
  assert.ok((await page.locator("#whole-body").innerText()).includes(kHarmonised.statement));
  for (const id of ["percist", "lesions", "organs"])
    assert.match(plain(await page.locator(`#${id}`).innerText()), /Measured after a Gaussian filter of 4\.6 mm \(EARL-2 to EARL-1\)/);
  for (const { input, measured, adjusted } of kHarmonised.adjusted.slice(0, 2)) {
    assert.deepEqual(await valuesIn(page.locator(`#whole-body .adjusted[data-input="${input}"]`)), [measured, adjusted]);
    for (const index of [0, 1]) {
      const note = page.locator(`#prediction-${index} .adjusted-inputs`);
      assert.ok((await note.innerText()).includes(input) && (await valuesIn(note)).includes(adjusted));
    }
  }
  assert.equal(await page.locator("#prediction-2 .adjusted-inputs").count(), 0, "a refused prediction used no input");
  assert.ok(!(await page.locator("#predictions").innerText()).includes("BLR"), "an input that no prediction uses");
  assert.equal(await page.locator('#whole-body .adjusted[data-input="BLR"]').count(), 0, "it was measured and refused");
  const quality = plain(await page.locator("#input-quality").innerText());
  for (const words of ["PET 2: EARL-2", "EARL-1", "Gaussian, 4.6 mm FWHM"]) assert.ok(quality.includes(words), words);
  await close(page);
});

test("says that nothing was harmonised where nothing was", async () => {
  const page = await world.open("#/series/first");
  assert.match(await page.locator("#whole-body .harmonisation").innerText(), /^Harmonisation: not done/);
  assert.equal(await page.locator("#lesions .harmonisation, .adjusted, .adjusted-inputs").count(), 0);
  await close(page);
});

// ---- objects for eyes ---------------------------------------------------------------------------

test("links to the PDF and the MIP that Orthanc has, and to no other", async () => {
  const base = world.app.replace(/\/fedpet\/app\/index\.html$/, "");
  let page = await world.open("#/series/pmr");
  await page.waitForSelector("#link-mip");
  assert.equal(await page.locator("#link-pdf").evaluate((link) => link.href), `${base}/instances/pdf-instance/pdf`);
  assert.equal(await page.locator("#link-mip").evaluate((link) => link.href), `${base}/app/explorer.html#instance?uuid=mip-instance`);
  assert.deepEqual(await page.locator(".links a").evaluateAll((links) => links.map((link) => link.id)),
    ["link-study", "link-series", "link-json", "link-pdf", "link-sr", "link-seg", "link-mip"], "in one order, whichever answer comes first");
  await close(page);
  const { "2.25.16": pdf, "2.25.18": mip, ...others } = state.instances;
  state.instances = others;
  page = await world.open("#/series/pmr");
  await page.waitForSelector("#link-seg");
  await page.waitForFunction(() => document.querySelectorAll(".links li[hidden]").length === 0);
  assert.equal(await page.locator("#link-pdf, #link-mip, .cine details").count(), 0);
  await close(page);
  state.instances = { ...others, "2.25.16": pdf, "2.25.18": mip };
});

test("turns the patient by the keyboard, and asks for a picture only when it is looked at", async () => {
  state.asked = {};
  const page = await world.open("#/series/pmr");
  await page.waitForSelector(".cine summary");
  assert.deepEqual(state.asked, {}, "nothing while it is folded");
  await page.locator(".cine summary").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".cine img")?.complete);
  const slider = page.locator("#turn");
  assert.equal(await page.locator(".cine img").getAttribute("alt"), "Maximum intensity projection at 0°, from the front");
  await slider.focus();
  for (let step = 0; step < 9; ++step) await page.keyboard.press("ArrowRight");
  assert.equal(await slider.getAttribute("aria-valuetext"), "90°, from the patient's left");
  await page.keyboard.press("Home");
  await page.keyboard.press("End");
  assert.equal(await page.locator("#turn-value").innerText(), "350°");
  await page.waitForFunction(() => document.querySelector(".cine img")?.complete);
  assert.equal(state.asked[0], 1, "a picture is kept");
  assert.ok(Object.keys(state.asked).every((frame) => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 35].includes(Number(frame))));
  await close(page);
});

test("says so when Orthanc cannot draw a picture, and asks again the next time", async () => {
  state.brokenFrames = [0];
  const page = await world.open("#/series/pmr", { expect404: true });
  await page.locator(".cine summary").click();
  await page.waitForSelector(".cine .error");
  state.brokenFrames = [];
  await page.locator("#turn").press("ArrowRight");
  await page.locator("#turn").press("ArrowLeft");
  await page.waitForFunction(() => document.querySelector(".cine img")?.naturalWidth === 1);
  await close(page);
});

// ---- all of it ----------------------------------------------------------------------------------

test("treats hostile text in a follow-up as text", async () => {
  const page = await world.open("#/series/hostile");
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("main img, main script, main iframe").count(), 0);
  for (const place of [".category .answer", ".cautions", ".studies", ".changes", "#percist", "#whole-body .harmonisation", "#input-quality"])
    assert.ok((await page.locator(place).first().innerText()).includes(kHostile), place);
  assert.ok(await fitsTheWindow(page));
  await close(page);
});

for (const id of ["pmr", "upmd", "nosul", "none", "awkward"])
  test(`fits a phone without scrolling sideways: ${id}`, async () => {
    const page = await world.open(`#/series/${id}`, { width: 360, height: 740 });
    assert.ok(await fitsTheWindow(page));
    await close(page);
  });

for (const [id, width] of [["pmr", 1280], ["pmr", 390], ["upmd", 1280], ["nosul", 1280], ["none", 1280], ["first", 1280], ["old", 1280]])
  test(`passes axe's WCAG 2.1 AA rules: ${id} at ${width}`, async () => {
    const page = await world.open(`#/series/${id}`, { width });
    await page.waitForSelector("#link-seg");
    await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
    await page.evaluate(axeSource());
    const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
    assert.deepEqual(result.violations.map((item) => `${item.id}: ${item.nodes.map((node) => node.html).join(" | ")}`), []);
    await close(page);
  });

test("prints the follow-up on A4 without the controls", async () => {
  const page = await world.open("#/series/pmr", { width: 700 }); // about the width of a printed page
  await page.waitForSelector(".cine summary");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".cine, .result-link").filter({ visible: true }).count(), 0);
  assert.equal(await page.locator(".trend, .changes, .studies").filter({ visible: true }).count(), 5);
  assert.ok(await fitsTheWindow(page), "no table is cut off");
  await close(page);
});
