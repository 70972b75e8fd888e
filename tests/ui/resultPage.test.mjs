// The result page shows what the assessment says, and nothing that it does not say.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeSource } from "./browser.mjs";
import {
  assessment, hostileAssessment, kHostile, kLesions, kMarrowRefusal, kOutOfDistribution, refusedAssessment, withoutLesionRule,
} from "./fixture.mjs";
import { close, fitsTheWindow, kNarrowSpace, startWorld } from "./setup.mjs";

const kLongWord = "W".repeat(400);
const sample = assessment();
const awkward = { ...assessment(), series: { ...sample.series, patient: { ...sample.series.patient, patientName: `${kLongWord}^${kLongWord}`, identityRemoved: true },
  manufacturer: kLongWord }, warnings: [kLongWord] };
let world;

before(async () => {
  world = await startWorld({
    assessments: { good: sample, refused: refusedAssessment(), norule: withoutLesionRule(), hostile: hostileAssessment(), awkward },
    series: Object.fromEntries(["good", "refused", "norule", "hostile", "awkward"].map((id) => [id, { ParentStudy: `study-of-${id}` }])),
    instances: { "2.25.11": "sr-instance", "2.25.13": "seg-instance" },
  });
});
after(() => world.stop());

const unitOf = (ucum) => ucum.replace(/\{.*\}/, "");
// Rounding may not move a shown number by more than half of its last digit.
function assertShows(text, value, unit) {
  const shown = text.replaceAll("\u2212", "-").trim();
  const number = shown.replace(new RegExp(`${kNarrowSpace}?${unit.replace("/", "\\/")}$`), "").replaceAll(kNarrowSpace, "");
  if (unit) assert.ok(shown.endsWith(kNarrowSpace + unit), `"${shown}" carries its unit ${unit}`);
  assert.match(number, /^-?\d+(\.\d+)?$/);
  const decimals = number.split(".")[1]?.length ?? 0;
  assert.ok(Math.abs(Number(number) - value) <= 0.5 * 10 ** -decimals + 1e-9, `"${shown}" is ${value}`);
}

test("shows every whole-body number with its unit and its definition", async () => {
  const page = await world.open("#/series/good");
  for (const item of sample.wholeBody) {
    const row = page.locator(`#whole-body .numbers tr[data-quantity="${item.quantity}"]`);
    assert.ok((await row.innerText()).includes(item.title));
    if (item.refusal) continue;
    assertShows(await row.locator("data").innerText(), item.value, unitOf(item.unit));
    assert.equal(Number(await row.locator("data").getAttribute("value")), item.value);
    assert.equal(await row.locator(".definition").innerText(), item.definition);
  }
  await close(page);
});

test("gives the reason and no number where a number was refused", async () => {
  const page = await world.open("#/series/good");
  const row = page.locator('#whole-body .numbers tr[data-quantity="BLR"]');
  const text = await row.innerText();
  for (const part of ["Not given", kMarrowRefusal.code, kMarrowRefusal.detail, kMarrowRefusal.explanation]) assert.ok(text.includes(part), part);
  assert.equal(await row.locator("data").count(), 0);

  const card = page.locator(".prediction", { hasText: "Overall survival" });
  const words = await card.innerText();
  for (const part of [kOutOfDistribution.code, kOutOfDistribution.detail, kOutOfDistribution.explanation]) assert.ok(words.includes(part), part);
  assert.equal(await card.locator("data, svg, table").count(), 0);
  assert.ok(!words.includes("%"));
  assert.ok((await page.locator(".missing").innerText()).startsWith("Lumbar marrow"));
  await close(page);
});

test("marks the result of a de-identified source, and no other", async () => {
  for (const [id, marked] of [["awkward", true], ["good", false]]) {
    const page = await world.open(`#/series/${id}`);
    assert.equal((await page.locator("header.patient").innerText()).includes("marked as de-identified"), marked);
    await close(page);
  }
});

test("says in one sentence what the probability is of, whatever form the model's event has", async () => {
  const page = await world.open("#/series/good");
  assert.deepEqual(await page.locator(".prediction .event").allInnerTexts(), [
    "Probability of durable clinical benefit (no progression or death within 6 months)",
    "Probability of being alive without progression at 12 months",
  ]);
  await close(page);
});

test("shows a probability with its event, horizon, interval, inputs and origin", async () => {
  const page = await world.open("#/series/good");
  const given = sample.predictions.filter((item) => !item.refusal);
  assert.equal(await page.locator(".probability").count(), given.length);
  for (const item of given) {
    const card = page.locator(".prediction", { hasText: item.title });
    const text = await card.innerText();
    const percent = (p) => `${Math.round(p * 100)}${kNarrowSpace}%`;
    assert.equal(await card.locator(".probability").innerText(), percent(item.probability));
    assert.equal(await card.locator(".interval").innerText(),
      `${percent(item.intervalLevel)} interval ${percent(item.lower)} to ${percent(item.upper)}`);
    for (const part of [`${item.horizonMonths} months`, item.calibrationNote, "Trained on synthetic data", "Research use only"])
      assert.ok(text.includes(part), part);
    await card.locator("summary").click();
    const rows = await card.locator(".contributions tbody tr").all();
    assert.equal(rows.length, item.contributions.length);
    // A Cox share must not read as a hazard: its sign is that of the good outcome.
    assert.match(await card.locator(".contributions caption").first().textContent(), /right raises the probability/);
    const shown = await Promise.all(rows.map(async (row) => [await row.locator("th").innerText(), await row.locator("td").nth(0).innerText(),
      Number(await row.locator("td.figure data").getAttribute("value"))]));
    for (const share of item.contributions) {
      const found = shown.find(([input]) => input === share.input);
      assert.equal(found[2], share.logOdds);
      assert.equal(found[1] === "not known", share.value === undefined);
    }
    const sizes = shown.map(([, , value]) => Math.abs(value));
    assert.deepEqual(sizes, [...sizes].sort((a, b) => b - a), "the largest share comes first");
  }
  await close(page);
});

test("draws the bars of interval and shares where the numbers are", async () => {
  const page = await world.open("#/series/good");
  const item = sample.predictions[0];
  const card = page.locator("#prediction-0");
  const [track, range] = await Promise.all([".track", ".range"].map((part) => card.locator(part).boundingBox()));
  assert.ok(Math.abs((range.x - track.x) / track.width - item.lower) < 0.005);
  assert.ok(Math.abs((range.x + range.width - track.x) / track.width - item.upper) < 0.005);
  const bar = async (input) => {
    const row = card.locator(".contributions tbody tr", { hasText: input });
    const [box, zero] = [await row.locator("rect").boundingBox(), await row.locator("line").boundingBox()];
    return { left: box.x, right: box.x + box.width, zero: zero.x + zero.width / 2 };
  };
  const negative = await bar("TMTV"), positive = await bar("PD-L1 TPS");
  assert.ok(Math.abs(negative.right - negative.zero) < 1.5 && negative.left < negative.zero - 20);
  assert.ok(Math.abs(positive.left - positive.zero) < 1.5 && positive.right > positive.zero + 20);
  await close(page);
});

test("shows no number at all when the study was refused", async () => {
  const page = await world.open("#/series/refused");
  const text = await page.locator("main").innerText();
  for (const part of ["WeightMissing", "PatientWeight (0010,1030) is 0", "enter it at the scanner"]) assert.ok(text.includes(part), part);
  assert.equal(await page.locator("data, canvas, .prediction, .numbers, .lesions, .organs, .trend, .category").count(), 0);
  assert.ok(!text.includes("%"));
  await close(page);
});

test("does not call a tumour absent when its rule could not be applied", async () => {
  const page = await world.open("#/series/norule");
  const text = await page.locator("#lesions").innerText();
  assert.ok(text.includes("Lesions were not looked for") && text.includes("RegionNotFound"));
  assert.ok(!/no lesion/i.test(text));
  assert.equal(await page.locator("#whole-body .numbers data").count(), 0);
  await close(page);
});

test("identifies patient and study, and what the input was", async () => {
  const page = await world.open("#/series/good");
  const header = await page.locator(".patient").innerText();
  for (const part of ["Synthetic, Anna Marie", "SYN-0001", "1962-03-14", "female, 64 years", "2026-11-23 10:15", "A-20261123-07"])
    assert.ok(header.includes(part), part);
  const quality = await page.locator("#input-quality").innerText();
  for (const part of [`68.5${kNarrowSpace}kg`, `241.3${kNarrowSpace}MBq`, `63${kNarrowSpace}min`, sample.suv.method, "OSEM 3i21s", "ATTN, DECY"])
    assert.ok(quality.includes(part), part);
  const model = await page.locator("#model").innerText();
  for (const part of [sample.model.version, sample.model.sha256, sample.model.trainingData]) assert.ok(model.includes(part), part);
  for (const warning of sample.warnings) assert.ok((await page.locator("#warnings").innerText()).includes(warning));
  assert.equal(await page.getAttribute("html", "lang"), "en");
  assert.equal(await page.title(), "PET of 2026-11-23: fedpet", "no name is left in the browser's history");
  await close(page);
});

test("sorts the lesions by any column, refused ones last", async () => {
  const page = await world.open("#/series/good");
  const order = async () => (await page.locator(".lesions tbody th").allInnerTexts()).map((text) => text.trim());
  const by = (quantity, sign) => [...sample.regions.filter((region) => region.role === "Lesion")].sort((a, b) => {
    const [x, y] = [a, b].map((region) => region.measurements.find((item) => item.quantity === quantity).value);
    return x === undefined ? 1 : y === undefined ? -1 : sign * (x - y);
  }).map((region) => region.name);
  assert.deepEqual(await order(), by("MTV", -1), "the largest lesion comes first");
  const header = page.locator(".lesions thead th", { hasText: "SUVpeak" });
  await header.locator("button").click();
  assert.deepEqual(await order(), by("SUVpeak", -1));
  assert.equal(await header.getAttribute("aria-sort"), "descending");
  await header.locator("button").press("Enter");
  assert.deepEqual(await order(), by("SUVpeak", 1));
  assert.equal(await header.getAttribute("aria-sort"), "ascending");
  assert.equal((await order()).at(-1), "Lesion 3", "the refused SUVpeak stays last");
  assert.equal(await page.locator(".lesions [aria-sort]").count(), 1);
  for (const region of sample.regions.filter((item) => item.role === "Lesion"))
    for (const item of region.measurements.filter((m) => !m.refusal))
      assertShows(await page.locator(`.lesions tr[data-label="${region.label}"] td[data-quantity="${item.quantity}"]`).innerText(), item.value, "");
  await close(page);
});

// The picture as numbers: how dark it is, how many pixels have an outline's colour, and a hash.
const look = (page, name) => page.evaluate((view) => {
  const canvas = document.getElementById(`mip-${view}`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = { lesions: [213, 94, 0], physiological: [0, 114, 178], reference: [0, 158, 115] };
  const count = { lesions: 0, physiological: 0, reference: 0 };
  let hash = 0, sum = 0;
  for (let at = 0; at < data.length; at += 4) {
    hash = (Math.imul(hash, 31) + data[at] * 65536 + data[at + 1] * 256 + data[at + 2]) | 0;
    sum += data[at];
    for (const key of Object.keys(colours))
      if (colours[key].every((value, channel) => Math.abs(data[at + channel] - value) < 12)) ++count[key];
  }
  return { ...count, hash, mean: sum / (data.length / 4) };
}, name);

test("toggles each outline, and only that one", async () => {
  const page = await world.open("#/series/good");
  // Chromium draws a canvas on another path once it has been read, with other shades at the edges: the
  // picture to compare with is one drawn after a first reading.
  await look(page, "coronal");
  await page.locator("#lesion-numbers").check();
  await page.locator("#lesion-numbers").uncheck();
  const all = await look(page, "coronal");
  for (const key of ["lesions", "physiological", "reference"]) {
    assert.ok(all[key] > 100, `${key} are outlined`);
    await page.locator(`#outline-${key}`).uncheck();
    const without = await look(page, "coronal");
    assert.equal(without[key], 0, `${key} are gone`);
    for (const other of ["lesions", "physiological", "reference"])
      if (other !== key) assert.ok(without[other] > 100, `${other} stay`);
    await page.locator(`#outline-${key}`).check();
  }
  assert.equal((await look(page, "coronal")).hash, all.hash);
  await page.locator("#lesion-numbers").check();
  assert.notEqual((await look(page, "sagittal")).hash, (await look(page, "coronal")).hash);
  assert.notEqual((await look(page, "coronal")).hash, all.hash);
  await close(page);
});

test("darkens the picture when the window is narrowed by the keyboard", async () => {
  const page = await world.open("#/series/good");
  const wide = await look(page, "coronal");
  const slider = page.locator("#window");
  await slider.focus();
  for (let step = 0; step < 12; ++step) await page.keyboard.press("ArrowLeft");
  assert.equal(await slider.inputValue(), "4");
  assert.equal(await page.locator("#window-value").innerText(), "SUV 0 to 4.0");
  assert.ok((await look(page, "coronal")).mean < wide.mean - 5);
  await close(page);
});

test("marks the chosen lesion where its uptake is, in both views", async () => {
  const page = await world.open("#/series/good");
  for (const key of ["lesions", "physiological", "reference"]) await page.locator(`#outline-${key}`).uncheck();
  // Keeps the plain picture in the page, and compares later ones with it there: where the mark's ring has
  // its centre, and the SUV that was drawn at that place before.
  const remember = (name) => page.evaluate((view) => {
    const canvas = document.getElementById(`mip-${view}`);
    (window.plain ??= {})[view] = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  }, name);
  const changes = (name) => page.evaluate((view) => {
    const canvas = document.getElementById(`mip-${view}`), before = window.plain[view];
    const now = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let left = canvas.width, bottom = 0, count = 0;
    for (let at = 0; at < now.length; at += 4) {
      if (Math.abs(now[at] - before[at]) < 40) continue;
      ++count;
      left = Math.min(left, (at / 4) % canvas.width);
      bottom = Math.max(bottom, Math.floor(at / 4 / canvas.width));
    }
    // The ring (radius 13, half a black line of 2) is the leftmost and lowest part of the mark; its number
    // stands to the upper right.
    const reach = 14 * (canvas.width / canvas.getBoundingClientRect().width);
    const [x, y] = [Math.round(left + reach), Math.round(bottom - reach)];
    return { count, suv: (1 - before[(y * canvas.width + x) * 4] / 255) * 10 };
  }, name);
  const views = ["coronal", "sagittal"];
  for (const name of views) await remember(name);
  for (let label = 1; label <= kLesions.length; ++label) {
    const button = page.locator(`.lesions tr[data-label="${label}"] button`);
    await button.focus();
    await page.keyboard.press("Enter");
    assert.equal(await button.getAttribute("aria-pressed"), "true");
    for (const name of views) {
      const { count, suv } = await changes(name);
      assert.ok(count > 50 && suv > 3.5, `${name}: lesion ${label} is marked at SUV ${suv.toFixed(1)}`);
    }
    await page.keyboard.press("Enter");
    assert.equal(await button.getAttribute("aria-pressed"), "false");
  }
  assert.equal((await changes("coronal")).count, 0, "the mark goes away");
  await close(page);
});

test("finds the lesion in the table that was clicked in the picture, and reads the SUV there", async () => {
  const page = await world.open("#/series/good");
  for (const key of ["lesions", "physiological", "reference"]) await page.locator(`#outline-${key}`).uncheck();
  // Lesion 6 (vertebra) is the lowest dark spot above the bladder near the middle: click its blackest pixel.
  const spot = await page.evaluate(() => {
    const canvas = document.getElementById("mip-coronal");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let best = [0, 0], darkest = 256;
    for (let y = Math.floor(canvas.height * 0.6); y < canvas.height * 0.7; ++y)
      for (let x = 0; x < canvas.width; ++x)
        if (data[(y * canvas.width + x) * 4] < darkest) [best, darkest] = [[x, y], data[(y * canvas.width + x) * 4]];
    const box = canvas.getBoundingClientRect();
    return best.map((value) => (value / canvas.width) * box.width);
  });
  const canvas = page.locator("#mip-coronal");
  await canvas.hover({ position: { x: spot[0], y: spot[1] } });
  assert.match(await page.locator(".readout").innerText(), /^SUV (≥ )?(9|10)\.\d/);
  await canvas.click({ position: { x: spot[0], y: spot[1] } });
  assert.deepEqual(await page.locator(".lesions tr.selected th").allInnerTexts(), ["Lesion 6"]);
  await close(page);
});

test("treats hostile text as text", async () => {
  const page = await world.open("#/series/hostile");
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("main img, main script, main iframe").count(), 0);
  assert.ok((await page.locator("#warnings").innerText()).includes(kHostile));
  assert.ok(await fitsTheWindow(page));
  await close(page);
});

test("runs under a policy that blocks what it does not need", async () => {
  const page = await world.open("#/series/good");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.hacked = 1";
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.ok(page.complaints.some((line) => line.includes("Content Security Policy")), "this server sends the plugin's policy");
  await page.close();
});

test("links to the study, the report, the segmentation and the JSON", async () => {
  const page = await world.open("#/series/good");
  await page.waitForSelector("#link-seg");
  const base = world.app.replace(/\/fedpet\/app\/index\.html$/, "");
  const target = (id) => page.locator(`#${id}`).evaluate((link) => link.href);
  assert.equal(await target("link-study"), `${base}/app/explorer.html#study?uuid=study-of-good`);
  assert.equal(await target("link-sr"), `${base}/app/explorer.html#instance?uuid=sr-instance`);
  assert.equal(await target("link-seg"), `${base}/app/explorer.html#instance?uuid=seg-instance`);
  assert.equal((await (await page.request.get(await target("link-json"))).json()).schemaVersion, 1);
  await close(page);
});

for (const id of ["good", "refused", "norule", "awkward"])
  test(`fits a phone without scrolling sideways: ${id}`, async () => {
    const page = await world.open(`#/series/${id}`, { width: 360, height: 740 });
    assert.ok(await fitsTheWindow(page));
    for (const canvas of await page.locator("canvas").all()) {
      const box = await canvas.boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= 360 && box.height > 200);
    }
    await close(page);
  });

for (const [id, width] of [["good", 1280], ["good", 390], ["refused", 1280], ["norule", 1280]])
  test(`passes axe's WCAG 2.1 AA rules: ${id} at ${width}`, async () => {
    const page = await world.open(`#/series/${id}`, { width });
    await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
    await page.evaluate(axeSource());
    const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
    assert.deepEqual(result.violations.map((item) => `${item.id}: ${item.nodes.map((node) => node.html).join(" | ")}`), []);
    assert.ok(result.passes.length > 20);
    await close(page);
  });

test("leads the keyboard past the navigation to the content, and through all controls", async () => {
  const page = await world.open("#/series/good");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  assert.equal(await page.evaluate(() => location.hash), "#/series/good", "the skip link is no route");
  const reached = new Set();
  for (let step = 0; step < 60; ++step) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent));
  }
  for (const part of ["outline-lesions", "outline-physiological", "outline-reference", "lesion-numbers", "window", "Lesion 1", "Print", "link-json"])
    assert.ok(reached.has(part), part);
  await close(page);
});

test("prints without controls, with everything unfolded and the research banner", async () => {
  const page = await world.open("#/series/good");
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  assert.ok(await page.locator(".banner").isVisible());
  assert.equal(await page.locator(".bar nav, #window, .links, .readout").filter({ visible: true }).count(), 0);
  assert.equal(await page.locator("details:not([open])").count(), 0);
  const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
  const [, width, height] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf);
  assert.deepEqual([Math.round(width), Math.round(height)], [595, 842], "A4 in points");
  await close(page);
});

test("works behind a reverse proxy that puts Orthanc under a prefix", async () => {
  const proxied = await startWorld({ assessments: { good: sample }, series: { good: { ParentStudy: "s" } } }, "/hospital/pacs");
  try {
    const page = await proxied.open("#/series/good");
    assert.equal(await page.locator(".probability").count(), 2);
    assert.match(await page.locator("#link-study").evaluate((link) => link.href), /\/hospital\/pacs\/app\/explorer\.html#study\?uuid=s$/);
    await close(page);
  } finally {
    await proxied.stop();
  }
});
