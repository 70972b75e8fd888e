// SMART App Launch against a small authorization server of another origin, which checks what a
// real one checks: PKCE, redirect address, client, single use of the code, the token.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openBrowser, sourceDir } from "./browser.mjs";
import { contentSecurityPolicy } from "./server.mjs";

const appDir = process.env.FEDPET_UI_APP ?? join(sourceDir, "build/dev/ui-extension/app");
const kTypes = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };

const listen = (handler) => new Promise((resolve) => {
  const server = createServer((request, response) => void handler(request, response).catch((error) => {
    response.writeHead(500);
    response.end(String(error));
  }));
  server.listen(0, "127.0.0.1", () => resolve({
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((done) => (server.close(done), server.closeAllConnections())),
  }));
});

const bodyOf = async (request) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
};

// `ehr`: how it behaves: { methods, patient, record, denies }; `ehr.log` remembers what it was asked.
async function startEhr(ehr) {
  const codes = new Map(), tokens = new Set();
  const server = await listen(async (request, response) => {
    const url = new URL(request.url, "http://ehr");
    const json = (status, value) => {
      response.writeHead(status, { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" });
      response.end(JSON.stringify(value));
    };
    if (request.method === "OPTIONS") return json(200, {});
    if (url.pathname === "/fhir/.well-known/smart-configuration")
      return json(200, { authorization_endpoint: `${server.url}/authorize`, token_endpoint: `${server.url}/token`, code_challenge_methods_supported: ehr.methods ?? ["S256"] });
    if (url.pathname === "/authorize") {
      const asked = Object.fromEntries(url.searchParams);
      ehr.log.push({ authorize: asked });
      const back = new URL(asked.redirect_uri);
      back.searchParams.set("state", ehr.state ?? asked.state);
      if (ehr.denies) back.searchParams.set("error", "access_denied");
      else {
        const code = randomUUID();
        codes.set(code, asked);
        back.searchParams.set("code", code);
      }
      response.writeHead(302, { Location: back.href });
      return response.end();
    }
    if (url.pathname === "/token") {
      const form = Object.fromEntries(new URLSearchParams(await bodyOf(request)));
      const asked = codes.get(form.code);
      codes.delete(form.code);
      const challenge = createHash("sha256").update(form.code_verifier ?? "").digest("base64url");
      const good = asked && form.grant_type === "authorization_code" && challenge === asked.code_challenge && asked.code_challenge_method === "S256" &&
        form.client_id === "fedpet-client" && form.client_id === asked.client_id && form.redirect_uri === asked.redirect_uri;
      if (!good) return json(400, { error: "invalid_grant" });
      const token = randomUUID();
      tokens.add(token);
      return json(200, { access_token: token, token_type: "Bearer", expires_in: 300, ...(ehr.patient === null ? {} : { patient: ehr.patient ?? "17" }) });
    }
    if (url.pathname.startsWith("/fhir/Patient/")) {
      if (!tokens.has((request.headers.authorization ?? "").replace("Bearer ", ""))) return json(401, {});
      return json(200, ehr.record ?? { resourceType: "Patient", id: "17", identifier: [{ system: "urn:oid:1.2", value: "PAT-17" }, { use: "old", system: "urn:oid:1.2", value: "PAT-OLD" }] });
    }
    return json(404, {});
  });
  return server;
}

// Orthanc with the plugin, as orthanc-plugin/SmartLaunch.cpp answers.
async function startPacs(pacs) {
  const usual = await contentSecurityPolicy(sourceDir);
  return listen(async (request, response) => {
    const url = new URL(request.url, "http://pacs");
    pacs.addresses.push(request.url);
    const send = (status, type, body) => {
      const policy = url.pathname.endsWith("/launch.html") ? usual.replace("connect-src 'self'", `connect-src 'self' ${pacs.origins.join(" ")}`) : usual;
      response.writeHead(status, { "Content-Type": type, "Content-Security-Policy": policy });
      response.end(body);
    };
    const file = /^\/fedpet\/app\/([a-z.]+)$/.exec(url.pathname)?.[1];
    if (file) return send(200, kTypes[file.split(".").pop()], await readFile(join(appDir, file)));
    if (url.pathname === "/fedpet/smart/configuration") return send(200, "application/json", JSON.stringify({ issuers: pacs.issuers }));
    if (url.pathname === "/fedpet/smart/results" && request.method === "POST") {
      const { identifiers } = JSON.parse(await bodyOf(request));
      pacs.asked.push(identifiers);
      return send(200, "application/json", JSON.stringify({ results: pacs.results }));
    }
    return send(404, "application/json", "{}");
  });
}

let browser;
before(async () => { browser = await openBrowser(); });
after(async () => { await browser.close(); });

async function world(behaviour, play) {
  const ehr = { log: [], ...behaviour };
  const ehrServer = await startEhr(ehr);
  const iss = `${ehrServer.url}/fhir`;
  const pacs = {
    addresses: [], asked: [], origins: [ehrServer.url], issuers: [{ issuer: iss, clientId: "fedpet-client" }],
    results: [{ orthancSeriesId: "aaa-1", scanDate: "2026-11-20" }, { orthancSeriesId: "bbb-2", scanDate: "" }],
  };
  const pacsServer = await startPacs(pacs);
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(60000);
  try {
    await play({ ehr, pacs, iss, page, launchPage: `${pacsServer.url}/fedpet/app/launch.html` });
  } finally {
    await page.context().close();
    await pacsServer.stop();
    await ehrServer.stop();
  }
}

const titled = (page, title) => page.waitForSelector(`h1:text-is("${title}")`);
const refusal = async (page) => {
  await titled(page, "fedpet cannot be opened");
  return page.textContent("[role=alert]");
};

test("the EHR opens the results of its patient", () => world({}, async ({ ehr, pacs, iss, page, launchPage }) => {
  await page.goto(`${launchPage}?iss=${encodeURIComponent(iss)}&launch=xyz`);
  await titled(page, "FDG-PET results of this patient");
  const [{ authorize }] = ehr.log;
  assert.equal(authorize.launch, "xyz");
  assert.equal(authorize.aud, iss);
  assert.equal(authorize.response_type, "code");
  assert.match(authorize.scope, /^launch patient\/Patient\.rs$/);
  assert.deepEqual(pacs.asked, [[{ system: "urn:oid:1.2", value: "PAT-17" }]]);
  assert.deepEqual(await page.$$eval("main li a", (links) => links.map((one) => [one.getAttribute("href"), one.textContent])),
    [["index.html#/series/aaa-1", "FDG-PET of 2026-11-20"], ["index.html#/series/bbb-2", "FDG-PET of unknown date"]]);
  assert.equal(page.url(), launchPage, "neither code nor state stay in the address");
  assert.ok(pacs.addresses.every((address) => !/PAT-17|Patient/.test(address)), "no patient in an address");
  assert.deepEqual(await page.evaluate(() => [{ ...sessionStorage }, { ...localStorage }, document.cookie]), [{}, {}, ""], "nothing is kept");
}));

test("a person opens it without an EHR's launch, and a single result at once", () => world({}, async ({ ehr, pacs, page, launchPage }) => {
  pacs.results = pacs.results.slice(0, 1);
  await page.goto(launchPage);
  await page.waitForURL(/index\.html#\/series\/aaa-1$/);
  assert.equal(ehr.log[0].authorize.launch, undefined);
  assert.match(ehr.log[0].authorize.scope, /^launch\/patient /);
}));

test("an EHR that is not on the list is not even asked", () => world({}, async ({ ehr, iss, page, launchPage }) => {
  await page.goto(`${launchPage}?iss=${encodeURIComponent(`${iss}.evil.example`)}&launch=xyz`);
  assert.match(await refusal(page), /not on the list/);
  assert.deepEqual(ehr.log, []);
}));

for (const [what, behaviour, why] of [
  ["a login without PKCE", { methods: ["plain"] }, /PKCE/],
  ["a refusal of the person", { denies: true }, /access_denied/],
  ["an answer to a login that this tab did not begin", { state: "forged" }, /not begun in this tab/],
  ["no patient in context", { patient: null }, /No patient is open/],
  ["the record of another patient", { record: { resourceType: "Patient", id: "18", identifier: [{ system: "s", value: "v" }] } }, /another patient/],
  ["a patient without identifier", { record: { resourceType: "Patient", id: "17" } }, /no identifier/],
])
  test(`${what} ends with a sentence`, () => world(behaviour, async ({ pacs, iss, page, launchPage }) => {
    await page.goto(`${launchPage}?iss=${encodeURIComponent(iss)}&launch=xyz`);
    assert.match(await refusal(page), why);
    assert.deepEqual(pacs.asked, []);
  }));

test("a host that the policy does not name is not reached", () => world({}, async ({ ehr, pacs, iss, page, launchPage }) => {
  pacs.origins = [];
  await page.goto(`${launchPage}?iss=${encodeURIComponent(iss)}&launch=xyz`);
  assert.match(await refusal(page), /could not be asked/);
  assert.deepEqual(ehr.log, []);
}));

test("coming back to an old address begins nothing", () => world({}, async ({ pacs, page, launchPage }) => {
  await page.goto(`${launchPage}?code=stolen&state=none`);
  assert.match(await refusal(page), /not begun in this tab/);
  assert.deepEqual(pacs.asked, []);
}));

test("no result is said", () => world({}, async ({ pacs, iss, page, launchPage }) => {
  pacs.results = [];
  await page.goto(`${launchPage}?iss=${encodeURIComponent(iss)}&launch=xyz`);
  await titled(page, "No FDG-PET result");
}));
