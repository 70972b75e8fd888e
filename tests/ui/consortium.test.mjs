// The page of the consortium: joining, reading a plan, and a decision that is a person's.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeSource } from "./browser.mjs";
import { kHostile } from "./fixture.mjs";
import { close, fitsTheWindow, startWorld } from "./setup.mjs";

const kHash = "a1".repeat(32), kOther = "b2".repeat(32);
const plan = (hash, rest = {}) => ({ hash, title: "DCB from TMTV", purpose: "research", task: "train", masking: "ring64", decision: null,
  policyObjections: [], epsilonSpent: 0.5, epsilonPlanned: 3, delta: 0.001, ...rest });
const member = (plans) => ({ configured: true, enrolled: true, site: "site-3", consortium: "FEDERATED-PET",
  coordinatorUrl: "https://fed.example:8443", certificateEnds: "2027-11-24T00:00:00.000Z", lastContact: "2026-11-24T09:00:00.000Z",
  lastProblem: "", epsilonSpent: 0.5, epsilonAllowed: 8, working: "", plans, rounds: ["a1a1a1a1a1a1a1a1-2-1 done"] });
const state = { planTexts: { [kHash]: { title: "DCB from TMTV", quorum: 3 } } };
let world;

before(async () => { world = await startWorld(state); });
after(() => world.stop());

test("tells how to join when there is no membership", async () => {
  state.membership = { configured: false, enrolled: false };
  const page = await world.open("#/consortium");
  assert.ok((await page.locator("main").innerText()).includes("FedPet.Federation.Folder"));
  await close(page);
});

test("enrols with an invitation and says why when it is refused", async () => {
  state.membership = { configured: true, enrolled: false };
  state.enrolmentAnswer = [409, { error: "the invitation has been used" }];
  const page = await world.open("#/consortium");
  await page.getByLabel("Invitation").fill("  fedpet-invitation:abc\n");
  await page.getByRole("button", { name: "Enrol" }).click();
  await page.waitForFunction(() => /has been used/.test(document.querySelector("main").innerText));
  assert.deepEqual(state.enrolments, [{ invitation: "fedpet-invitation:abc" }]);
  state.enrolmentAnswer = undefined;
  state.membership = member([]);
  await page.getByRole("button", { name: "Enrol" }).click();
  await page.waitForFunction(() => /FEDERATED-PET/.test(document.querySelector("main").innerText));
  await page.close(); // the browser itself reports the refused request on the console
});

test("shows the exact plan and signs the decision with a name", async () => {
  state.membership = member([plan(kHash), plan(kOther, { title: kHostile, decision: { approved: false, by: "Dr No", reason: "", time: null } })]);
  const page = await world.open("#/consortium");
  const panel = page.locator(`[data-plan="${kHash}"]`);
  assert.ok((await panel.innerText()).includes(kHash));
  await panel.getByText("The whole plan").click();
  await page.waitForFunction(() => /"quorum": 3/.test(document.querySelector("pre").textContent));
  await panel.getByRole("button", { name: "Approve" }).click();
  await page.waitForFunction(() => /Write your name/.test(document.querySelector("main").innerText));
  assert.equal(state.decisions, undefined, "nothing is decided without a name");
  await panel.getByLabel("Your name").fill("Dr Curie");
  state.membership = member([plan(kHash, { decision: { approved: true, by: "Dr Curie", reason: "", time: "2026-11-24T09:05:00.000Z" } })]);
  await panel.getByRole("button", { name: "Approve" }).click();
  await page.waitForFunction(() => /approved by Dr Curie/.test(document.querySelector("main").innerText));
  assert.deepEqual(state.decisions, [{ hash: kHash, answer: "approve", by: "Dr Curie", reason: "" }]);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await close(page);
});

test("offers no approval where the site's policy objects", async () => {
  state.membership = member([plan(kHash, { masking: "none", policyObjections: ["this site's policy requires masking"] })]);
  const page = await world.open("#/consortium");
  const panel = page.locator(`[data-plan="${kHash}"]`);
  assert.ok((await panel.innerText()).includes("requires masking"));
  assert.equal(await panel.getByRole("button", { name: "Approve" }).count(), 0);
  assert.equal(await panel.getByRole("button", { name: "Reject" }).count(), 1);
  await close(page);
});

test("fits a phone and is accessible", async () => {
  state.membership = member([plan(kHash)]);
  const page = await world.open("#/consortium", { width: 390 });
  assert.ok(await fitsTheWindow(page));
  await page.evaluate(axeSource());
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((v) => v.id), []);
  await close(page);
});
